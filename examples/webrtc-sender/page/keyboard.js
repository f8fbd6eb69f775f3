// SPDX-License-Identifier: MIT
// The keyboard: physical keys, and a book of those that are down in the guest.

import { keys } from './keys.js';
import * as protocol from './protocol.js';

const HELD_MS = 500;
// Windows says AltGr as ControlLeft and AltRight at one time.
const ALTGR_MS = 20;

export class Keyboard {
  #send;
  #down = new Map(); // code → qnum
  #altGraph = { time: -Infinity, pretended: false };
  #apple;
  #timer = 0;
  // Of the pointer, which are held just as long: { buttons, touches }.
  others = () => ({ buttons: 0, touches: 0 });

  // send: takes a message. platform: as navigator says it.
  constructor(send, platform = '') {
    this.#send = send;
    this.#apple = /mac|iphone|ipad/i.test(platform);
  }

  // True: the guest gets it, and the browser must not act on it.
  press(event) {
    const qnum = keys[event.code];

    if (qnum === undefined || event.isComposing) return false;
    if (this.#apple && event.code === 'CapsLock') return this.#toggleCaps(qnum);
    if (event.code === 'ControlLeft' && !event.repeat) this.#altGraph = { time: event.timeStamp, pretended: false };
    if (event.code === 'AltRight' && event.timeStamp - this.#altGraph.time < ALTGR_MS) this.#undoControl();
    if (event.code === 'ControlLeft' && this.#altGraph.pretended) return true;
    // A repeat goes on: a PS/2 keyboard that QEMU plays does not repeat by itself, and others ignore it.
    if (event.repeat && !this.#down.has(event.code)) return true;
    this.#down.set(event.code, qnum);
    this.#send(protocol.key(qnum, true));
    this.keepHeld();
    return true;
  }

  lift(event) {
    const qnum = keys[event.code];

    if (qnum === undefined) return false;
    if (this.#apple && event.code === 'CapsLock') return this.#toggleCaps(qnum);
    if (event.code === 'ControlLeft') this.#altGraph.pretended = false;
    if (this.#down.delete(event.code)) this.#send(protocol.key(qnum, false));
    // While Meta is down, macOS does not say that other keys come up.
    if (this.#apple && event.code.startsWith('Meta')) this.#liftAll();
    return true;
  }

  // As a hand would, one after the other.
  chord(codes) {
    for (const code of codes) this.#send(protocol.key(keys[code], true));
    for (const code of [...codes].reverse()) this.#send(protocol.key(keys[code], false));
  }

  // Everything comes up in the guest, whatever is said later.
  release() {
    this.#down.clear();
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#send(protocol.release());
  }

  get qnums() {
    return [...this.#down.values()];
  }

  // Says what is held as long as anything is.
  keepHeld() {
    if (this.#timer) return;
    this.#timer = setInterval(() => {
      const { buttons, touches } = this.others();

      if (this.#down.size > 0 || buttons || touches) this.#send(protocol.held(this.qnums, buttons, touches));
      else {
        clearInterval(this.#timer);
        this.#timer = 0;
      }
    }, HELD_MS);
  }

  #undoControl() {
    if (this.#down.delete('ControlLeft')) this.#send(protocol.key(keys.ControlLeft, false));
    this.#altGraph = { time: -Infinity, pretended: true };
  }

  // It comes up there only when its lamp goes out.
  #toggleCaps(qnum) {
    this.#send(protocol.key(qnum, true));
    this.#send(protocol.key(qnum, false));
    return true;
  }

  #liftAll() {
    for (const qnum of this.#down.values()) this.#send(protocol.key(qnum, false));
    this.#down.clear();
  }
}
