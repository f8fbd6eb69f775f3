// SPDX-License-Identifier: MIT
// What is said on the data channels, as bytes: writers of what the page says, a reader of what the sender says.

export const VERSION = 1;
export const Touch = Object.freeze({ BEGIN: 0, UPDATE: 1, END: 2, CANCEL: 3 });
export const Control = Object.freeze({ NOBODY: 0, YOU: 1, ANOTHER: 2 });
export const Vm = Object.freeze({ CONNECTED: 0, WAITING: 1, OFF: 2 });
export const TEXT_MAX = 1024;
export const WHEEL_MAX = 16;
export const HELD_MAX = 32;
export const RESIZE_MIN = 64;
export const RESIZE_MAX = 8192;

const DOWN = 1;
const ABSOLUTE = 2;

function message(opcode, size) {
  const view = new DataView(new ArrayBuffer(size));

  view.setUint8(0, opcode);
  return view;
}

// Where the pointer is: { absolute, seq, x, y }; relative: x and y are sums of all motion.
function setPlace(view, place, flags) {
  view.setUint8(1, flags | (place.absolute ? ABSOLUTE : 0));
  view.setUint32(4, place.seq, true);
  view.setUint32(8, place.x, true);
  view.setUint32(12, place.y, true);
}

export function key(qnum, down) {
  const view = message(0x01, 4);

  view.setUint8(1, down ? DOWN : 0);
  view.setUint16(2, qnum, true);
  return view.buffer;
}

export function button(number, down, place) {
  const view = message(0x02, 16);

  view.setUint8(2, number);
  setPlace(view, place, down ? DOWN : 0);
  return view.buffer;
}

export function wheel(dx, dy, place) {
  const view = message(0x03, 16);

  view.setInt8(2, dx);
  view.setInt8(3, dy);
  setPlace(view, place, 0);
  return view.buffer;
}

// x, y: pixels, of which 1/256 are told apart.
export function touch(kind, slot, x, y) {
  const view = message(0x04, 12);

  view.setUint8(1, kind);
  view.setUint8(2, slot);
  view.setUint32(4, Math.max(0, Math.round(x * 256)), true);
  view.setUint32(8, Math.max(0, Math.round(y * 256)), true);
  return view.buffer;
}

// As many messages as the text needs; none is cut within a character.
export function text(string) {
  const messages = [];
  const encoder = new TextEncoder();
  let rest = encoder.encode(string.replaceAll('\0', ''));

  while (rest.length > 0) {
    let size = Math.min(rest.length, TEXT_MAX);

    while (size < rest.length && (rest[size] & 0xc0) === 0x80) size--;
    const bytes = new Uint8Array(1 + size);
    bytes[0] = 0x05;
    bytes.set(rest.subarray(0, size), 1);
    messages.push(bytes.buffer);
    rest = rest.subarray(size);
  }
  return messages;
}

export function resize(width, height, widthMm, heightMm) {
  const view = message(0x06, 10);

  view.setUint16(2, width, true);
  view.setUint16(4, height, true);
  view.setUint16(6, widthMm, true);
  view.setUint16(8, heightMm, true);
  return view.buffer;
}

export function ping(stamp) {
  const view = message(0x07, 8);

  view.setUint32(4, stamp, true);
  return view.buffer;
}

export const keyFrame = () => message(0x08, 1).buffer;
export const release = () => message(0x09, 1).buffer;
export const take = () => message(0x0a, 1).buffer;

// qnums: of all keys that are down; buttons, touches: a bit for each.
export function held(qnums, buttons, touches) {
  const some = qnums.slice(0, HELD_MAX);
  const view = message(0x0b, 8 + 2 * some.length);

  view.setUint8(1, some.length);
  view.setUint16(2, buttons, true);
  view.setUint32(4, touches, true);
  some.forEach((qnum, i) => view.setUint16(8 + 2 * i, qnum, true));
  return view.buffer;
}

export function motion(place) {
  const view = message(0x0c, 16);

  setPlace(view, place, 0);
  return view.buffer;
}

const readers = {
  0x81: (v) => ({ kind: 'hello', version: v.getUint8(1), mayControl: v.getUint8(2) !== 0, number: v.getUint32(4, true) }),
  0x82: (v) => ({
    kind: 'cursor-band',
    width: v.getUint16(2, true),
    height: v.getUint16(4, true),
    hotX: v.getInt16(6, true),
    hotY: v.getInt16(8, true),
    row: v.getUint16(10, true),
    rows: v.getUint16(12, true),
    rgba: new Uint8ClampedArray(v.buffer.slice(v.byteOffset + 16, v.byteOffset + v.byteLength)),
  }),
  0x83: (v) => ({ kind: 'cursor-place', visible: v.getUint8(1) !== 0, x: v.getInt32(4, true), y: v.getInt32(8, true) }),
  0x84: (v) => {
    const leds = v.getUint8(1);

    return { kind: 'leds', scrollLock: (leds & 1) !== 0, numLock: (leds & 2) !== 0, capsLock: (leds & 4) !== 0 };
  },
  0x85: (v) => ({ kind: 'pointer', absolute: v.getUint8(1) !== 0, touchSlots: v.getUint8(2) }),
  0x86: (v) => ({ kind: 'size', width: v.getUint16(2, true), height: v.getUint16(4, true) }),
  0x87: (v) => ({ kind: 'control', state: v.getUint8(1), seats: v.getUint16(2, true), holder: v.getUint32(4, true) }),
  0x88: (v) => ({ kind: 'vm', state: v.getUint8(1) }),
  0x89: (v) => ({ kind: 'pong', stamp: v.getUint32(4, true), timeUs: Number(v.getBigUint64(8, true)) }),
};

// null: not known to this version, or too short.
export function read(buffer) {
  const view = new DataView(buffer);
  const reader = view.byteLength > 0 ? readers[view.getUint8(0)] : undefined;

  if (!reader) return null;
  try {
    return reader(view);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
