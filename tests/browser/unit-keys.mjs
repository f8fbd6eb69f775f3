// SPDX-License-Identifier: MIT
// The table of keys: whole, sane, and right where everybody knows what is right.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { keys } from '../../examples/webrtc-sender/page/keys.js';

test('it has 165 keys, each once, each one that QEMU takes', () => {
  const source = readFileSync(new URL('../../examples/webrtc-sender/page/keys.js', import.meta.url), 'utf8');
  const named = [...source.matchAll(/^ {2}(\w+): 0x/gm)].map((match) => match[1]);

  assert.equal(named.length, 165);
  assert.equal(new Set(named).size, 165);
  for (const [code, qnum] of Object.entries(keys)) {
    assert.match(code, /^[A-Z][A-Za-z0-9]*$/);
    assert.ok(Number.isInteger(qnum) && qnum > 0 && qnum <= 0xff, code);
  }
});

test('keys that do something of their own have a number of their own', () => {
  const main = Object.keys(keys).filter((code) => /^(Key|Digit|F\d|Numpad|Arrow|Shift|Control|Alt|Meta)/.test(code));

  assert.equal(new Set(main.map((code) => keys[code])).size, main.length);
});

test('well-known keys', () => {
  const known = {
    Escape: 0x01, Digit1: 0x02, Backspace: 0x0e, Tab: 0x0f, KeyQ: 0x10, Enter: 0x1c, ControlLeft: 0x1d, KeyA: 0x1e,
    ShiftLeft: 0x2a, KeyZ: 0x2c, ShiftRight: 0x36, AltLeft: 0x38, Space: 0x39, CapsLock: 0x3a, F1: 0x3b, F10: 0x44,
    NumLock: 0x45, ScrollLock: 0x46, Numpad7: 0x47, IntlBackslash: 0x56, F11: 0x57, F12: 0x58, PrintScreen: 0x54,
    NumpadEnter: 0x9c, ControlRight: 0x9d, NumpadDivide: 0xb5, AltRight: 0xb8, Pause: 0xc6, Home: 0xc7, ArrowUp: 0xc8,
    PageUp: 0xc9, ArrowLeft: 0xcb, ArrowRight: 0xcd, End: 0xcf, ArrowDown: 0xd0, PageDown: 0xd1, Insert: 0xd2,
    Delete: 0xd3, MetaLeft: 0xdb, MetaRight: 0xdc, ContextMenu: 0xdd, IntlYen: 0x7d, IntlRo: 0x73,
  };

  for (const [code, qnum] of Object.entries(known)) assert.equal(keys[code], qnum, code);
});
