// SPDX-License-Identifier: MIT
// The page's half of the protocol, against the same list of bytes as the sender's half.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import * as protocol from '../../examples/webrtc-sender/page/protocol.js';

const lines = readFileSync(new URL('../webrtc/input-vectors.txt', import.meta.url), 'utf8').split('\n');
const vectors = lines
  .filter((line) => /^[<>] /.test(line))
  .map((line) => {
    const colon = line.lastIndexOf(' : ');
    const [name, ...pairs] = line.slice(2, colon).split(' ');

    return {
      fromPage: line[0] === '>',
      said: line.slice(2, colon),
      name,
      values: Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2))),
      hex: line.slice(colon + 3).replaceAll(' ', ''),
    };
  });

const toHex = (buffer) => Buffer.from(buffer).toString('hex');
const fromHex = (hex) => Uint8Array.from(Buffer.from(hex, 'hex')).buffer;
const place = (v) => ({ absolute: v.absolute === '1', seq: +v.seq, x: +v.x, y: +v.y });

const writers = {
  key: (v) => protocol.key(+v.qnum, v.down === '1'),
  button: (v) => protocol.button(+v.button, v.down === '1', place(v)),
  wheel: (v) => protocol.wheel(+v.dx, +v.dy, place(v)),
  motion: (v) => protocol.motion(place(v)),
  touch: (v) => protocol.touch(+v.kind, +v.slot, v.x / 256, v.y / 256),
  text: (v) => protocol.text(v.text)[0],
  resize: (v) => protocol.resize(+v.width, +v.height, +v.width_mm, +v.height_mm),
  ping: (v) => protocol.ping(+v.stamp),
  'key-frame': () => protocol.keyFrame(),
  release: () => protocol.release(),
  take: () => protocol.take(),
  held: (v) => protocol.held(v.qnums ? v.qnums.split(',').map(Number) : [], +v.buttons, +v.touches),
};

const describers = {
  hello: (m) => `version=${m.version} may_control=${+m.mayControl} number=${m.number}`,
  'cursor-band': (m) =>
    `width=${m.width} height=${m.height} hot_x=${m.hotX} hot_y=${m.hotY} row=${m.row} n_rows=${m.rows} rgba=${toHex(m.rgba)}`,
  'cursor-place': (m) => `visible=${+m.visible} x=${m.x} y=${m.y}`,
  leds: (m) => `leds=${+m.scrollLock | (+m.numLock << 1) | (+m.capsLock << 2)}`,
  pointer: (m) => `absolute=${+m.absolute} touch_slots=${m.touchSlots}`,
  size: (m) => `width=${m.width} height=${m.height}`,
  control: (m) => `state=${m.state} holder=${m.holder} n_seats=${m.seats}`,
  vm: (m) => `state=${m.state}`,
  pong: (m) => `stamp=${m.stamp} time_us=${m.timeUs}`,
};

test('what the page says is written as the sender reads it', () => {
  const said = vectors.filter((vector) => vector.fromPage);

  assert.ok(said.length >= 20);
  for (const vector of said) assert.equal(toHex(writers[vector.name](vector.values)), vector.hex, vector.said);
});

test('what the sender says is read as it was written', () => {
  const said = vectors.filter((vector) => !vector.fromPage);

  assert.ok(said.length >= 10);
  for (const vector of said) {
    const message = protocol.read(fromHex(vector.hex));

    assert.equal(`${message.kind} ${describers[message.kind](message)}`, vector.said);
  }
});

test('what is too short or unknown is nothing', () => {
  assert.equal(protocol.read(new ArrayBuffer(0)), null);
  for (let opcode = 0; opcode < 256; opcode++) {
    const known = opcode >= 0x81 && opcode <= 0x89;

    assert.equal(protocol.read(Uint8Array.of(opcode).buffer), null);
    if (!known) assert.equal(protocol.read(Uint8Array.of(opcode, ...new Array(64).fill(0)).buffer), null);
  }
});

test('long text is cut between characters', () => {
  const string = 'ü€𝄞a'.repeat(1000);
  const messages = protocol.text(string);
  const decoder = new TextDecoder('utf-8', { fatal: true });

  assert.ok(messages.length > 5);
  for (const message of messages) assert.ok(message.byteLength <= 1 + protocol.TEXT_MAX);
  assert.equal(messages.map((m) => decoder.decode(new Uint8Array(m, 1))).join(''), string);
  assert.deepEqual(protocol.text(''), []);
  assert.deepEqual(protocol.text('\0'), []);
});

test('no more keys than a message takes are said to be held', () => {
  const qnums = Array.from({ length: 50 }, (_, i) => i + 1);

  assert.equal(protocol.held(qnums, 0, 0).byteLength, 8 + 2 * protocol.HELD_MAX);
});
