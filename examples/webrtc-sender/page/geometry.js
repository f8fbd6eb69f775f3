// SPDX-License-Identifier: MIT
// Where the guest's screen is in the window, and which of its pixels lies under a point of the window. Nothing here
// touches the page.

import { RESIZE_MAX } from './protocol.js';

const RESIZE_LEAST = { width: 320, height: 200 };
// So much less than the stage, in device pixels, still counts as the size that the guest was asked for.
const ALMOST = 2;

// The box of a picture on a stage, both in CSS pixels, as large as fits. A picture that has the stage's size in device
// pixels is shown pixel by pixel, and so begins at a whole one.
export function place(stage, picture, ratio) {
  if (!(picture.width > 0 && picture.height > 0 && stage.width > 0 && stage.height > 0))
    return { left: 0, top: 0, width: 0, height: 0 };
  const wide = Math.floor(stage.width * ratio) - picture.width;
  const high = Math.floor(stage.height * ratio) - picture.height;
  const exact = wide >= 0 && wide < ALMOST && high >= 0 && high < ALMOST;
  const scale = exact ? 1 / ratio : Math.min(stage.width / picture.width, stage.height / picture.height);
  const width = picture.width * scale;
  const height = picture.height * scale;
  const whole = (length) => Math.floor((length / 2) * ratio) / ratio;

  return { left: whole(stage.width - width), top: whole(stage.height - height), width, height };
}

function along(at, from, length, pixels) {
  return Math.min(Math.max(Math.floor(((at - from) / length) * pixels), 0), pixels - 1);
}

// The pixel of the guest under a point, or next to it.
export function toGuest(x, y, box, guest) {
  if (!(box.width > 0 && box.height > 0 && guest.width > 0 && guest.height > 0)) return null;
  return { x: along(x, box.left, box.width, guest.width), y: along(y, box.top, box.height, guest.height) };
}

// The same with parts of pixels, for fingers.
export function toGuestExactly(x, y, box, guest) {
  if (!toGuest(x, y, box, guest)) return null;
  const exact = (at, from, length, pixels) => Math.min(Math.max(((at - from) / length) * pixels, 0), pixels - 1);

  return {
    x: exact(x, box.left, box.width, guest.width),
    y: exact(y, box.top, box.height, guest.height),
  };
}

export function isInside(x, y, box) {
  return x >= box.left && y >= box.top && x < box.left + box.width && y < box.top + box.height;
}

// The size that a guest is asked for so that it fills the stage: even, in device pixels, and in millimetres.
export function wish(stage, ratio) {
  const even = (length, least) => Math.min(Math.max(Math.floor((length * ratio) / 2) * 2, least), RESIZE_MAX);
  const width = even(stage.width, RESIZE_LEAST.width);
  const height = even(stage.height, RESIZE_LEAST.height);
  const millimetres = (pixels) => Math.round((pixels / ratio / 96) * 25.4);

  return { width, height, widthMm: millimetres(width), heightMm: millimetres(height) };
}
