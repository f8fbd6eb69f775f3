// SPDX-License-Identifier: MIT
// The guest's screen in Chromium: what is seen, how soon, and that nothing else is asked of the world.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch } from './support/chromium.mjs';
import { Rig, frames, placeOf, playing, screenshot } from './support/rig.mjs';

const LOADS = 8;
const FIRST_PAINT_MS = 300;
const FIRST_PICTURE_MS = 500;
const TOLERANCE = 24; // of 255: what 4:2:0 and the range of video leave of a flat colour

const browser = await launch();
after(() => browser.close());

// Of a card of 1280x720: places of the corner marks and of the bars, and their colours.
const COLOURS = [
  [[8, 8], [255, 0, 0]], [[1271, 8], [0, 255, 0]], [[8, 711], [0, 0, 255]], [[1271, 711], [255, 255, 0]],
  ...[[255, 255, 255], [255, 255, 0], [0, 255, 255], [0, 255, 0], [255, 0, 255], [255, 0, 0], [0, 0, 255], [0, 0, 0]]
    .map((colour, i) => [[80 + 160 * i, 260], colour]),
];

// The box moves over the bars, so that not every picture shows all.
const coloursAreRight = (page) => page.waitForFunction(([colours, tolerance]) => {
  const seen = globalThis.probe.pixels(document.querySelector('video'), colours.map(([place]) => place));
  globalThis.seen = seen;
  return colours.every(([, colour], i) => colour.every((value, j) => Math.abs(value - seen[i][j]) <= tolerance));
}, [COLOURS, TOLERANCE], { timeout: 10_000 }).catch(async () => {
  assert.deepEqual(await page.evaluate(() => globalThis.seen), COLOURS.map(([, colour]) => colour));
});

for (const gl of [false, true]) {
  const name = `gl=${gl ? 'on' : 'off'}`;

  describe(name, () => {
    let rig = null;
    before(async () => { rig = await Rig.open(browser, { vm: { gl, append: 'mode=1280x720 fps=30 cursor=1' } }); });
    after(() => rig.close());

    test('the picture is whole, the right way up, and has its colours', async () => {
      const { page } = rig;
      assert.deepEqual(await page.evaluate(() => { const { videoWidth, videoHeight } = document.querySelector('video'); return [videoWidth, videoHeight]; }), [1280, 720]);
      await coloursAreRight(page);
      await screenshot(page, `screen-${name}`);
    });

    test('the counter advances, and no picture is torn', async () => {
      const seen = (await frames(rig.page, 30)).filter(({ top }) => top !== null);
      assert.ok(seen.every(({ top, bottom }) => bottom === null || top === bottom), 'a picture was torn');
      assert.ok(seen.every(({ top }, i) => i === 0 || top >= seen[i - 1].top), 'a picture came twice or late');
    });

    test('the guest has its own cursor, and the browser shows it', async () => {
      const { page, vm } = rig;
      const at = await placeOf(page, 640, 360);
      await page.mouse.move(at.x, at.y);
      await vm.line(/^pointer abs 640 360$/);
      await page.waitForFunction(() => getComputedStyle(document.querySelector('#screen')).cursor.includes('data:image/png'));
      const [cursor, opaque] = await page.evaluate(async () => {
        const { cursor: said } = getComputedStyle(document.querySelector('#screen'));
        const image = Object.assign(new Image(), { src: /"(data:[^"]*)"/.exec(said)[1] });
        await image.decode();
        const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
        canvas.drawImage(image, 0, 0);
        const { data } = canvas.getImageData(0, 0, image.width, image.height);
        return [said, [image.width, image.height, data[4 * (4 * image.width + 6) + 3], data[data.length - 1]]];
      });
      assert.match(cursor, /\) 6 3, /); // its hot spot
      assert.deepEqual(opaque, [64, 64, 255, 0]); // the arrow is at its upper left
    });

    test('it is there at once', async () => {
      const paints = [];
      const pictures = [];
      // A busy machine says nothing of the page: the quickest of a few counts.
      while (paints.length < LOADS && (paints.length === 0 || Math.min(...paints) > FIRST_PAINT_MS || Math.min(...pictures) > FIRST_PICTURE_MS)) {
        await rig.page.reload();
        await playing(rig.page);
        const [paint, picture] = await rig.page.evaluate(async () => [
          performance.getEntriesByName('first-contentful-paint')[0].startTime,
          await globalThis.probe.firstFrame - performance.getEntriesByType('resource').find(({ name }) => name.includes('/whep/')).startTime,
        ]);
        paints.push(paint);
        pictures.push(picture);
      }
      console.log(`${name}: first paint ${paints.map(Math.round)} ms, first picture ${pictures.map(Math.round)} ms after the POST`);
      assert.ok(Math.min(...paints) <= FIRST_PAINT_MS, `the page paints after ${paints} ms`);
      assert.ok(Math.min(...pictures) <= FIRST_PICTURE_MS, `the first picture comes ${pictures} ms after the POST`);
    });

    test('nothing is asked of others, and nothing is complained of', () => {
      const { page, sender } = rig;
      assert.deepEqual(page.requests.filter((url) => !url.startsWith(`${sender.origin}/`) && !url.startsWith('data:')), []);
      assert.deepEqual(page.complaints, []);
    });
  });
}
