// SPDX-License-Identifier: MIT
// The pointer: mouse, pen and fingers over the guest's screen, as the guest's own kind of pointer takes them.

import { toGuest, toGuestExactly } from './geometry.js';
import * as protocol from './protocol.js';
import { Wheel } from './wheel.js';

const PAUSE_MS = 2; // between two messages of motion
const TAP_MS = 250;
const TAP_PIXELS = 8;
// The bits of PointerEvent.buttons, and what QEMU calls them.
const BUTTONS = [[1, 0], [4, 1], [2, 2], [8, 5], [16, 6]];

export class Pointer {
  #send;
  #sendMotion;
  #view; // { box, guest, absolute, touchSlots }
  #onHeld;
  #wheel = new Wheel();
  #seq = 0;
  #at = { x: -1, y: -1 }; // of the guest's pixels; -1: it was not there yet
  #sum = { x: 0, y: 0 }; // of all motion, with parts of pixels
  #pressed = 0; // bits of QEMU's buttons
  #slots = new Map(); // pointerId → slot
  #finger = null; // the one that stands for a mouse
  #last = -Infinity;
  #later = 0;
  #motionType;

  // send, sendMotion: take a message. view: gives what is there now. onHeld: something is held from now on.
  // motionType: of the events that say relative motion, which others repeat.
  constructor(send, sendMotion, view, onHeld, motionType) {
    this.#motionType = motionType;
    this.#send = send;
    this.#sendMotion = sendMotion;
    this.#view = view;
    this.#onHeld = onHeld;
  }

  get held() {
    return { buttons: this.#pressed, touches: [...this.#slots.values()].reduce((bits, slot) => (bits | (1 << slot)) >>> 0, 0) };
  }

  // For a channel that was just opened.
  begin() {
    this.#seq = 0;
    this.#at = { x: -1, y: -1 };
    this.#sum = { x: 0, y: 0 };
    this.forget();
  }

  // Nothing is held any more; the guest is told by others.
  forget() {
    this.#pressed = 0;
    this.#slots.clear();
    this.#finger = null;
    clearTimeout(this.#later);
    this.#later = 0;
  }

  // Any event of a pointer; locked: the browser shows none of its own.
  handle(event, locked) {
    if (event.pointerType === 'touch') this.#onTouch(event);
    else this.#onMouse(event, locked);
  }

  turn(event) {
    const steps = this.#wheel.steps(event);

    if (steps) this.#send(protocol.wheel(steps.dx, steps.dy, this.#place()));
  }

  #place() {
    const { absolute } = this.#view();
    const { x, y } = absolute ? this.#at : this.#sum;

    return { absolute, seq: ++this.#seq >>> 0, x: (absolute ? Math.max(x, 0) : x) >>> 0, y: (absolute ? Math.max(y, 0) : y) >>> 0 };
  }

  #onMouse(event, locked) {
    const { absolute } = this.#view();
    let moved = false;

    if (absolute) moved = this.#moveTo(event.clientX, event.clientY);
    else if (locked && event.type === this.#motionType) moved = this.#moveBy(event.movementX, event.movementY);
    if (event.type !== 'pointerrawupdate' && (absolute || locked)) this.#press(event.buttons);
    if (moved) this.#sayMotion();
  }

  #moveTo(x, y) {
    const { box, guest } = this.#view();
    const at = toGuest(x, y, box, guest);

    if (!at || (at.x === this.#at.x && at.y === this.#at.y)) return false;
    this.#at = at;
    return true;
  }

  #moveBy(dx, dy) {
    this.#sum.x += dx;
    this.#sum.y += dy;
    return dx !== 0 || dy !== 0;
  }

  // At once, if the last one is not just being sent; else a little later, with what is true then.
  #sayMotion() {
    const now = performance.now();

    if (this.#later) return;
    if (now - this.#last >= PAUSE_MS && this.#sendMotion(protocol.motion(this.#place()))) {
      this.#last = now;
      return;
    }
    this.#later = setTimeout(() => {
      this.#later = 0;
      this.#last = -Infinity;
      this.#sayMotion();
    }, PAUSE_MS * 2);
  }

  #press(buttons) {
    for (const [bit, button] of BUTTONS) {
      const down = (buttons & bit) !== 0;

      if (down !== ((this.#pressed >> button) & 1) > 0) this.#button(button, down);
    }
  }

  #button(button, down) {
    this.#pressed = down ? this.#pressed | (1 << button) : this.#pressed & ~(1 << button);
    this.#send(protocol.button(button, down, this.#place()));
    if (down) this.#onHeld();
  }

  // ---- fingers ----

  #onTouch(event) {
    const { absolute, touchSlots } = this.#view();

    if (event.type === 'pointerrawupdate') return;
    if (touchSlots > 0) this.#onFinger(event, touchSlots);
    else if (this.#finger === null || this.#finger.id === event.pointerId)
      if (absolute) this.#pressWithFinger(event);
      else this.#pushWithFinger(event);
  }

  #onFinger(event, slots) {
    const { box, guest } = this.#view();
    const at = toGuestExactly(event.clientX, event.clientY, box, guest);
    const kind = { pointerdown: protocol.Touch.BEGIN, pointermove: protocol.Touch.UPDATE, pointerup: protocol.Touch.END,
      pointercancel: protocol.Touch.CANCEL }[event.type];

    if (!at || kind === undefined) return;
    if (kind === protocol.Touch.BEGIN && !this.#slots.has(event.pointerId)) this.#takeSlot(event.pointerId, slots);
    const slot = this.#slots.get(event.pointerId);
    if (slot === undefined) return;
    this.#send(protocol.touch(kind, slot, at.x, at.y));
    if (kind === protocol.Touch.BEGIN) this.#onHeld();
    else if (kind !== protocol.Touch.UPDATE) this.#slots.delete(event.pointerId);
  }

  #takeSlot(id, slots) {
    const taken = new Set(this.#slots.values());
    let slot = 0;

    while (taken.has(slot)) slot++;
    if (slot < Math.min(slots, 32)) this.#slots.set(id, slot);
  }

  // A guest with a tablet: the finger is its left button.
  #pressWithFinger(event) {
    const down = event.type === 'pointerdown';
    const up = event.type === 'pointerup' || event.type === 'pointercancel';
    const moved = this.#moveTo(event.clientX, event.clientY);

    this.#finger = up ? null : { id: event.pointerId };
    if (down || up) this.#press(down ? 1 : 0);
    else if (moved) this.#sayMotion();
  }

  // A guest with a mouse: the glass is a touch pad, and a tap a click.
  #pushWithFinger(event) {
    const { clientX: x, clientY: y, timeStamp: time } = event;

    if (event.type === 'pointerdown') this.#finger = { id: event.pointerId, x, y, time, from: { x, y } };
    else if (event.type === 'pointermove' && this.#finger) {
      if (this.#moveBy(x - this.#finger.x, y - this.#finger.y)) this.#sayMotion();
      Object.assign(this.#finger, { x, y });
    } else if (this.#finger) {
      const { from, time: began } = this.#finger;
      const still = Math.hypot(x - from.x, y - from.y) < TAP_PIXELS && time - began < TAP_MS;

      this.#finger = null;
      if (!still || event.type !== 'pointerup') return;
      this.#button(0, true);
      this.#button(0, false);
    }
  }
}
