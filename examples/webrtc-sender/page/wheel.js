// SPDX-License-Identifier: MIT
// Turns of a wheel, or of two fingers, into the steps that a guest knows.

import { WHEEL_MAX } from './protocol.js';

const PIXELS = 100; // of scrolling that make a step
const LINES = 3;
const NOTCH = 120; // what a wheel with notches says of each
const PAUSE_MS = 400; // what is left of a step is forgotten then

export class Wheel {
  #rest = { x: 0, y: 0 };
  #time = -Infinity;

  // Whole steps to the right and downwards; null: none yet.
  steps(event) {
    if (event.timeStamp - this.#time > PAUSE_MS) this.#rest = { x: 0, y: 0 };
    this.#time = event.timeStamp;
    const dx = this.#take('x', event.deltaX, event.wheelDeltaX, event.deltaMode);
    const dy = this.#take('y', event.deltaY, event.wheelDeltaY, event.deltaMode);

    return dx || dy ? { dx, dy } : null;
  }

  #take(axis, delta, notches, mode) {
    if (delta === 0) return 0;
    const perStep = [PIXELS, LINES, 1][mode] ?? PIXELS;
    const whole = notches && notches % NOTCH === 0;
    const amount = whole ? -notches / NOTCH : delta / perStep;

    if (Math.sign(amount) !== Math.sign(this.#rest[axis])) this.#rest[axis] = 0;
    this.#rest[axis] += amount;
    const steps = Math.trunc(this.#rest[axis]);
    this.#rest[axis] -= steps;
    return Math.min(Math.max(steps, -WHEEL_MAX), WHEEL_MAX) || 0;
  }
}
