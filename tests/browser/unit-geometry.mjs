// SPDX-License-Identifier: MIT
// From a point of the window to a pixel of the guest, and what a guest is asked for.
import assert from 'node:assert/strict';
import test from 'node:test';

import { isInside, place, toGuest, toGuestExactly, wish } from '../../examples/webrtc-sender/page/geometry.js';

const guest = { width: 1280, height: 720 };

function corners(box) {
  const right = box.left + box.width;
  const bottom = box.top + box.height;

  return [[box.left, box.top], [right - 0.01, box.top], [box.left, bottom - 0.01], [right - 0.01, bottom - 0.01]];
}

test('a picture is as large as fits, in the middle', () => {
  assert.deepEqual(place({ width: 1280, height: 800 }, guest, 1), { left: 0, top: 40, width: 1280, height: 720 });
  assert.deepEqual(place({ width: 2000, height: 720 }, guest, 1), { left: 360, top: 0, width: 1280, height: 720 });
  assert.deepEqual(place({ width: 640, height: 800 }, guest, 1), { left: 0, top: 220, width: 640, height: 360 });
  assert.deepEqual(place({ width: 2560, height: 1440 }, guest, 1), { left: 0, top: 0, width: 2560, height: 1440 });
});

test('one that was made for the stage is shown pixel by pixel', () => {
  assert.deepEqual(place({ width: 1281, height: 721 }, guest, 1), { left: 0, top: 0, width: 1280, height: 720 });
  const box = place({ width: 853.6, height: 480.4 }, guest, 1.5);

  assert.ok(Math.abs(box.width * 1.5 - 1280) < 1e-9 && Math.abs(box.height * 1.5 - 720) < 1e-9);
  assert.ok(Number.isInteger(Math.round(box.left * 1.5 * 1e6) / 1e6));
});

test('nothing has no box', () => {
  for (const [stage, picture] of [[{ width: 0, height: 5 }, guest], [guest, { width: 0, height: 0 }]])
    assert.deepEqual(place(stage, picture, 1), { left: 0, top: 0, width: 0, height: 0 });
  assert.equal(toGuest(1, 1, { left: 0, top: 0, width: 0, height: 0 }, guest), null);
  assert.equal(toGuest(1, 1, { left: 0, top: 0, width: 9, height: 9 }, { width: 0, height: 0 }), null);
});

test('corners are corners at every scale', () => {
  for (const ratio of [1, 1.25, 1.5, 2])
    for (const stage of [{ width: 1280, height: 756 }, { width: 333, height: 777 }, { width: 3001, height: 401 }]) {
      const box = place(stage, guest, ratio);
      const found = corners(box).map(([x, y]) => toGuest(x, y, box, guest));

      assert.deepEqual(found, [{ x: 0, y: 0 }, { x: 1279, y: 0 }, { x: 0, y: 719 }, { x: 1279, y: 719 }]);
    }
});

test('each pixel is found at its middle', () => {
  const box = { left: 13.25, top: 7.5, width: 640, height: 360 };

  for (let x = 0; x < guest.width; x++)
    assert.equal(toGuest(box.left + ((x + 0.5) / guest.width) * box.width, box.top, box, guest).x, x);
});

test('outside is at the edge', () => {
  const box = { left: 10, top: 10, width: 100, height: 100 };

  assert.deepEqual(toGuest(-50, 500, box, guest), { x: 0, y: 719 });
  assert.deepEqual(toGuestExactly(500, -50, box, guest), { x: 1279, y: 0 });
  assert.ok(isInside(10, 10, box) && !isInside(110, 10, box) && !isInside(9.9, 50, box));
});

test('fingers have parts of pixels', () => {
  const at = toGuestExactly(10.25, 20.75, { left: 0, top: 0, width: 1280, height: 720 }, guest);

  assert.deepEqual(at, { x: 10.25, y: 20.75 });
});

test('the guest is asked for even sizes of the window, within reason', () => {
  assert.deepEqual(wish({ width: 1281.4, height: 755 }, 1), { width: 1280, height: 754, widthMm: 339, heightMm: 199 });
  assert.deepEqual(wish({ width: 640, height: 400 }, 2), { width: 1280, height: 800, widthMm: 169, heightMm: 106 });
  assert.deepEqual(wish({ width: 10, height: 10 }, 1), { width: 320, height: 200, widthMm: 85, heightMm: 53 });
  assert.equal(wish({ width: 99999, height: 99999 }, 1).width, 8192);
});
