// SPDX-License-Identifier: MIT
// Runs in the page, before anything of the page itself: reads the test card out of a playing video, frame by frame, as
// tools/testcard/card.h describes it. It shares nothing with the sender but the picture.
'use strict';

(() => {
  const CELLS = 48;
  const BOX_COLUMNS = 12;
  const BOX_STEPS = 256;
  const DARK = 96; // luma below it is a 0, above 255 - it a 1

  const atLeast = (value, minimum) => Math.max(Math.trunc(value), minimum);

  const stripCode = (strip, margin) => {
    const cellWidth = Math.trunc((strip.width - 2 * margin) / CELLS);
    return {
      columns: CELLS, rows: 1, cellWidth, cellHeight: strip.height,
      x: strip.x + Math.trunc((strip.width - cellWidth * CELLS) / 2), y: strip.y,
    };
  };

  // Where things are on a card of that size.
  const layout = (width, height) => {
    const smaller = Math.min(width, height);
    const mark = atLeast(smaller / 12, 16);
    const inputHeight = atLeast(mark / 2, 12);
    const top = { x: 1, y: 1, width: width - 2, height: mark };
    const bottom = { ...top, y: height - 1 - mark };
    const input = { ...top, y: bottom.y - inputHeight, height: inputHeight };
    const inputCode = stripCode(input, 2 * mark);
    inputCode.y += 2;
    inputCode.cellHeight -= 4;
    const cell = atLeast(smaller / 50, 4);
    return {
      mark, cell, inputCode, topCode: stripCode(top, 2 * mark), bottomCode: stripCode(bottom, 2 * mark),
      middle: { ...top, y: 1 + mark, height: input.y - 1 - mark },
      boxWidth: (BOX_COLUMNS + 2) * cell, boxHeight: (2 * CELLS / BOX_COLUMNS + 3) * cell,
    };
  };

  const triangle = (phase) => {
    const p = phase % BOX_STEPS;
    return p < BOX_STEPS / 2 ? p : BOX_STEPS - 1 - p;
  };

  const box = (card, counter) => {
    const roomX = atLeast(card.middle.width - card.boxWidth, 0);
    const roomY = atLeast(card.middle.height - card.boxHeight, 0);
    const last = BOX_STEPS / 2 - 1;
    return {
      x: card.middle.x + Math.trunc(roomX * triangle(counter) / last),
      y: card.middle.y + Math.trunc(roomY * triangle(3 * counter + 40) / last),
    };
  };

  const boxCode = (card, counter, bottom) => {
    const { x, y } = box(card, counter);
    const rows = CELLS / BOX_COLUMNS;
    return {
      columns: BOX_COLUMNS, rows, cellWidth: card.cell, cellHeight: card.cell,
      x: x + card.cell, y: y + card.cell + (bottom ? (rows + 1) * card.cell : 0),
    };
  };

  const checksum = (value) => {
    let crc = 0xffff;
    for (let bit = 31; bit >= 0; bit--) {
      const feedback = ((crc >>> 15) ^ (value >>> bit)) & 1;
      crc = ((crc << 1) & 0xffff) ^ (feedback ? 0x1021 : 0);
    }
    return crc;
  };

  const canvas = document.createElement('canvas');
  canvas.width = CELLS * 3;
  canvas.height = 3 * 4;
  const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false });

  // What is read of one picture must be of one picture, and the next may come at any time.
  const still = (video, work) => {
    if (video.readyState < 2)
      return null;
    const picture = new VideoFrame(video);
    try {
      return work(picture);
    } finally {
      picture.close();
    }
  };

  // The value of 32 bits, or null. lumaAt tells a cell's by its column and row.
  const decode = (code, lumaAt) => {
    let value = 0;
    let crc = 0;
    for (let i = 0; i < CELLS; i++) {
      const luma = lumaAt(i % code.columns, Math.trunc(i / code.columns));
      if (luma >= DARK && luma <= 255 - DARK)
        return null;
      const bit = luma > 255 - DARK ? 1 : 0;
      if (i < 32)
        value = ((value << 1) | bit) >>> 0;
      else
        crc = (crc << 1) | bit;
    }
    return checksum(value) === crc ? value : null;
  };

  const luma = (pixels, at) => (pixels[at] + 2 * pixels[at + 1] + pixels[at + 2]) / 4;

  // Each cell becomes 3 by 3 pixels, of which the middle one is read.
  const readCode = (picture, code) => {
    const width = code.columns * 3;
    const height = code.rows * 3;
    context.drawImage(picture, code.x, code.y, code.columns * code.cellWidth, code.rows * code.cellHeight,
      0, 0, width, height);
    const pixels = context.getImageData(0, 0, width, height).data;
    return decode(code, (column, row) => luma(pixels, 4 * ((3 * row + 1) * width + 3 * column + 1)));
  };

  // Where the box is, is told by the counter in it alone, so it is looked for. The picture is copied once for that: each
  // copy converts all of it, however little of it is asked for.
  const whole = document.createElement('canvas').getContext('2d', { willReadFrequently: true, alpha: false });

  const readBox = (picture, card, guess) => {
    const scale = Math.max(1, Math.floor(card.cell / 4)); // of a cell 4 by 4 pixels are left, or more
    const width = Math.floor(picture.displayWidth / scale);
    const height = Math.floor(picture.displayHeight / scale);
    if (whole.canvas.width !== width || whole.canvas.height !== height)
      Object.assign(whole.canvas, { width, height });
    whole.drawImage(picture, 0, 0, width * scale, height * scale, 0, 0, width, height);
    const pixels = whole.getImageData(0, 0, width, height).data;
    const read = (code) => decode(code, (column, row) => luma(pixels,
      4 * (Math.trunc((code.y + (row + 0.5) * card.cell) / scale) * width + Math.trunc((code.x + (column + 0.5) * card.cell) / scale))));
    for (let step = 0; step < BOX_STEPS; step++) {
      const top = read(boxCode(card, guess + step, false));
      if (top !== null && (top - guess - step) % BOX_STEPS === 0)
        return { top, bottom: read(boxCode(card, top, true)) };
    }
    return { top: null, bottom: null };
  };

  // The counter, by the copy at the top and that at the bottom. damage says where to look, guess which comes next.
  const readCounter = (video, damage, guess) => still(video, (picture) => {
    const card = layout(picture.displayWidth, picture.displayHeight);
    return damage === 'box' ? readBox(picture, card, guess)
      : { top: readCode(picture, card.topCode), bottom: readCode(picture, card.bottomCode) };
  }) ?? { top: null, bottom: null };

  const readInput = (video) => {
    const value = still(video, (picture) => readCode(picture, layout(picture.displayWidth, picture.displayHeight).inputCode));
    return value === null ? null : {
      key: value & 0xff, down: Boolean(value & 0x100), buttons: (value >>> 9) & 31, wheel: (value >>> 14) & 3,
      events: value >>> 16,
    };
  };

  // Red, green and blue of some pixels of one picture. places: [x, y].
  const pixels = (video, places) => still(video, (picture) => places.map(([x, y]) => {
    context.drawImage(picture, x, y, 1, 1, 0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  }));

  let watching = null;

  // Notes every frame that is presented until stop is called. what: 'counter', 'input' or 'nothing' is read out of it.
  const watch = (video, { what = 'counter', damage = 'full' } = {}) => {
    stop();
    const own = { frames: [], guess: 0, video };
    watching = own;
    const next = (now, frame) => {
      if (watching !== own)
        return;
      const noted = {
        rtp: frame.rtpTimestamp, presented: frame.presentationTime, expected: frame.expectedDisplayTime,
        received: frame.receiveTime, count: frame.presentedFrames, decoding: frame.processingDuration,
        width: frame.width, height: frame.height,
      };
      if (what === 'counter') {
        Object.assign(noted, readCounter(video, damage, own.guess));
        if (noted.top !== null)
          own.guess = noted.top + 1;
      } else if (what === 'input') {
        noted.input = readInput(video);
      }
      own.frames.push(noted);
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  };

  // How many different counters it has seen.
  const counters = () => new Set((watching?.frames ?? []).map(({ top }) => top).filter((top) => top !== null)).size;

  const stop = () => {
    const frames = watching ? watching.frames : [];
    watching = null;
    return frames;
  };

  // The next frame for which test(frame) is true.
  const frameWhere = (video, test) => new Promise((resolve) => {
    const next = (now, frame) => {
      if (test(frame))
        resolve({ presented: frame.presentationTime, rtp: frame.rtpTimestamp });
      else
        video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  });

  // When the first picture of the page's life was presented, in ms of performance.now().
  const firstFrame = new Promise((resolve) => {
    addEventListener('DOMContentLoaded', () => {
      document.querySelector('video')?.requestVideoFrameCallback((now, frame) => resolve(frame.presentationTime));
    });
  });

  globalThis.probe = { layout, box, readCounter, readInput, pixels, watch, counters, stop, frameWhere, firstFrame };
})();
