// SPDX-License-Identifier: MIT
// Keyboard, pointer and wheel of the page, without a browser: what happens, and what is said of it.
import assert from 'node:assert/strict';
import test from 'node:test';

import { Keyboard } from '../../examples/webrtc-sender/page/keyboard.js';
import { Pointer } from '../../examples/webrtc-sender/page/pointer.js';
import { Wheel } from '../../examples/webrtc-sender/page/wheel.js';

const hex = (buffer) => Buffer.from(buffer).toString('hex');

// ---- keyboard ----

function typing(platform) {
  const said = [];

  return { said, keyboard: new Keyboard((message) => said.push(hex(message)), platform) };
}

const key = (code, timeStamp = 0, more = {}) => ({ code, timeStamp, repeat: false, isComposing: false, ...more });

test('keys go down, repeat and come up', () => {
  const { said, keyboard } = typing('Linux');

  assert.equal(keyboard.press(key('KeyA')), true);
  assert.equal(keyboard.press(key('KeyA', 1, { repeat: true })), true);
  assert.equal(keyboard.lift(key('KeyA')), true);
  assert.equal(keyboard.press(key('')), false);
  assert.equal(keyboard.lift(key('Unidentified')), false);
  assert.deepEqual(said, ['01011e00', '01011e00', '01001e00']);
  keyboard.release();
});

test('what was released does not repeat, and does not come up twice', () => {
  const { said, keyboard } = typing('Linux');

  keyboard.press(key('KeyA'));
  keyboard.release();
  keyboard.press(key('KeyA', 1, { repeat: true }));
  keyboard.lift(key('KeyA'));
  assert.deepEqual(said, ['01011e00', '09']);
  assert.deepEqual(keyboard.qnums, []);
});

test('AltGr of Windows is no Control', () => {
  const { said, keyboard } = typing('Windows');

  keyboard.press(key('ControlLeft', 1000));
  keyboard.press(key('AltRight', 1001));
  keyboard.press(key('ControlLeft', 1500, { repeat: true }));
  keyboard.lift(key('ControlLeft', 2000));
  keyboard.lift(key('AltRight', 2000));
  assert.deepEqual(said, ['01011d00', '01001d00', '0101b800', '0100b800']);
  keyboard.press(key('ControlLeft', 3000));
  keyboard.press(key('AltRight', 3500));
  assert.deepEqual(said.slice(4), ['01011d00', '0101b800']);
  keyboard.release();
});

test('macOS does not say what comes up beside Meta', () => {
  const { said, keyboard } = typing('MacIntel');

  keyboard.press(key('MetaLeft'));
  keyboard.press(key('KeyC'));
  keyboard.lift(key('MetaLeft'));
  keyboard.press(key('CapsLock'));
  keyboard.lift(key('CapsLock'));
  assert.deepEqual(said, ['0101db00', '01012e00', '0100db00', '01002e00', '01013a00', '01003a00', '01013a00', '01003a00']);
  keyboard.release();
});

test('a chord comes up in reverse', () => {
  const { said, keyboard } = typing('Linux');

  keyboard.chord(['ControlLeft', 'AltLeft', 'Delete']);
  assert.deepEqual(said, ['01011d00', '01013800', '0101d300', '0100d300', '01003800', '01001d00']);
});

test('what is held is said again and again, and no longer than it is', (t) => {
  const { said, keyboard } = typing('Linux');
  const timers = new Set();
  const tick = (times) => { while (times-- > 0) for (const timer of timers) timer(); };

  t.mock.method(globalThis, 'setInterval', (act) => {
    timers.add(act);
    return act;
  });
  t.mock.method(globalThis, 'clearInterval', (act) => timers.delete(act));

  keyboard.others = () => ({ buttons: 5, touches: 0 });
  keyboard.press(key('ShiftLeft'));
  tick(2);
  assert.deepEqual(said.slice(1), ['0b010500000000002a00', '0b010500000000002a00']);
  keyboard.lift(key('ShiftLeft'));
  tick(1);
  assert.equal(said.at(-1), '0b00050000000000');
  keyboard.others = () => ({ buttons: 0, touches: 0 });
  const before = said.length;
  tick(10);
  assert.equal(said.length, before);
  assert.equal(timers.size, 0);
});

// ---- pointer ----

function pointing(absolute, touchSlots = 0, motionType = 'pointermove') {
  const said = [];
  const view = {
    box: { left: 100, top: 50, width: 640, height: 360 }, guest: { width: 1280, height: 720 }, absolute, touchSlots,
  };
  const waits = { yes: false };
  const pointer = new Pointer((m) => said.push(hex(m)), (m) => {
    if (!waits.yes) said.push(hex(m));
    return !waits.yes;
  }, () => view, () => said.push('held'), motionType);

  return { said, view, waits, pointer };
}

const event = (type, x, y, more = {}) =>
  ({ type, pointerType: 'mouse', pointerId: 1, clientX: x, clientY: y, movementX: 0, movementY: 0, buttons: 0, timeStamp: 0, ...more });

test('a tablet is where the pointer is, to the pixel, and buttons say where', () => {
  const { said, pointer } = pointing(true);

  pointer.handle(event('pointermove', 100, 50), false);
  pointer.handle(event('pointerdown', 739.9, 409.9, { buttons: 1 }), false);
  assert.deepEqual(said.slice(0, 3), [
    '0c02000001000000' + '0000000000000000', '0203000002000000' + 'ff040000cf020000', 'held']);
  assert.deepEqual(pointer.held, { buttons: 1, touches: 0 });
  pointer.handle(event('pointerup', 739.9, 409.9), false);
  assert.deepEqual(pointer.held, { buttons: 0, touches: 0 });
  pointer.forget();
});

test('buttons beside another come as motion', () => {
  const { said, pointer } = pointing(true);

  pointer.handle(event('pointerdown', 100, 50, { buttons: 2 }), false);
  pointer.handle(event('pointermove', 100, 50, { buttons: 2 | 4 | 8 | 16 }), false);
  assert.deepEqual(said.filter((m) => m.startsWith('02')).map((m) => m.slice(4, 6)), ['02', '01', '05', '06']);
  assert.equal(pointer.held.buttons, 0b1100110);
  pointer.forget();
  assert.equal(pointer.held.buttons, 0);
});

test('a mouse says sums, once for each motion, and only while it is lent', () => {
  const { said, pointer } = pointing(false, 0, 'pointerrawupdate');

  pointer.handle(event('pointerrawupdate', 0, 0, { movementX: 9, movementY: 9 }), false);
  assert.deepEqual(said, []);
  pointer.handle(event('pointerrawupdate', 0, 0, { movementX: 3.5, movementY: -2 }), true);
  pointer.handle(event('pointermove', 0, 0, { movementX: 3.5, movementY: -2 }), true);
  pointer.handle(event('pointerdown', 0, 0, { buttons: 1, movementX: 1 }), true);
  assert.deepEqual(said.slice(0, 2), ['0c00000001000000' + '03000000feffffff', '0201000002000000' + '03000000feffffff']);
  pointer.forget();
});

test('motion that would wait is said later, as it is then', async () => {
  const { said, waits, pointer } = pointing(true);

  waits.yes = true;
  for (let x = 101; x < 110; x++) pointer.handle(event('pointermove', x, 50), false);
  assert.deepEqual(said, []);
  waits.yes = false;
  await new Promise((resolve) => { setTimeout(resolve, 50); });
  assert.equal(said.length, 1);
  assert.equal(said[0].slice(16), '1200000000000000');
});

test('fingers have slots of their own', () => {
  const { said, pointer } = pointing(true, 2);
  const finger = (type, id) => pointer.handle(event(type, 100 + id, 50, { pointerType: 'touch', pointerId: id }), false);

  finger('pointerdown', 7);
  finger('pointerdown', 9);
  finger('pointerdown', 11);
  assert.deepEqual(pointer.held, { buttons: 0, touches: 3 });
  finger('pointermove', 9);
  finger('pointerup', 7);
  finger('pointerdown', 12);
  finger('pointercancel', 12);
  finger('pointerup', 11);
  finger('pointerup', 9);
  const touches = said.filter((m) => m.startsWith('04')).map((m) => m.slice(2, 6));
  assert.deepEqual(touches, ['0000', '0001', '0101', '0200', '0000', '0300', '0201']);
  assert.equal(pointer.held.touches, 0);
});

test('a finger is the left button of a tablet, and a tap the click of a mouse', () => {
  const tablet = pointing(true);
  const finger = (to, type, x, time, id = 3) =>
    to.pointer.handle(event(type, x, 50, { pointerType: 'touch', pointerId: id, timeStamp: time }), false);

  finger(tablet, 'pointerdown', 110, 0);
  finger(tablet, 'pointerdown', 150, 0, 4);
  finger(tablet, 'pointerup', 110, 10);
  assert.deepEqual(tablet.said.filter((m) => m.startsWith('02')).map((m) => m.slice(2, 6)), ['0300', '0200']);
  const mouse = pointing(false);
  finger(mouse, 'pointerdown', 110, 0);
  finger(mouse, 'pointermove', 112, 50);
  finger(mouse, 'pointerup', 112, 100);
  assert.deepEqual(mouse.said.map((m) => m.slice(0, 6)), ['0c0000', '020100', 'held', '020000']);
  mouse.said.length = 0;
  finger(mouse, 'pointerdown', 110, 1000);
  finger(mouse, 'pointerup', 110, 2000);
  assert.deepEqual(mouse.said, []);
  tablet.pointer.forget();
  mouse.pointer.forget();
});

// ---- wheel ----

const turn = (deltaY, more = {}) => ({ deltaX: 0, deltaY, deltaMode: 0, timeStamp: 0, ...more });

test('a notch is a step', () => {
  const wheel = new Wheel();

  assert.deepEqual(wheel.steps(turn(53, { wheelDeltaY: -120 })), { dx: 0, dy: 1 });
  assert.deepEqual(wheel.steps(turn(-106, { wheelDeltaY: 240 })), { dx: 0, dy: -2 });
  assert.deepEqual(wheel.steps({ ...turn(0), deltaX: 53, wheelDeltaX: -120 }), { dx: 1, dy: 0 });
  assert.deepEqual(wheel.steps(turn(3, { deltaMode: 1 })), { dx: 0, dy: 1 });
  assert.deepEqual(wheel.steps(turn(100000)), { dx: 0, dy: 16 });
});

test('fingers add up to steps, and rests are forgotten', () => {
  const wheel = new Wheel();
  const steps = (deltaY, timeStamp) => wheel.steps(turn(deltaY, { timeStamp }));

  assert.equal(steps(60, 0), null);
  assert.deepEqual(steps(60, 10), { dx: 0, dy: 1 });
  assert.equal(steps(70, 20), null);
  assert.equal(steps(-90, 30), null);
  assert.deepEqual(steps(-10, 40), { dx: 0, dy: -1 });
  assert.equal(steps(90, 50), null);
  assert.equal(steps(90, 1000), null);
});
