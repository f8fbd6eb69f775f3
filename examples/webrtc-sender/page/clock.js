// SPDX-License-Identifier: MIT
// The sender's clock, from its pongs, and the age of a frame by it. Nothing here touches the page.

const KEPT = 30;
const RTP_HZ = 90000;
const WRAP = 2 ** 32;

export class Clock {
  #pongs = [];

  // Both in ms of performance.now(); timeUs: of the sender, somewhere between them.
  heard(sent, received, timeUs) {
    this.#pongs.push({ rtt: received - sent, offset: timeUs / 1000 - (sent + received) / 2 });
    if (this.#pongs.length > KEPT) this.#pongs.shift();
  }

  forget() {
    this.#pongs = [];
  }

  // Of the last pong, in ms; NaN: none yet.
  get rtt() {
    return this.#pongs.at(-1)?.rtt ?? NaN;
  }

  // What to add to performance.now() for the sender's ms; the quickest pong knows it best.
  get offset() {
    const best = this.#pongs.reduce((a, b) => (b.rtt < a.rtt ? b : a), { rtt: Infinity, offset: NaN });

    return best.offset;
  }

  // ms from the sender's timestamp to that moment of performance.now(); NaN: not known.
  age(rtpTimestamp, moment) {
    const now = Math.round(((moment + this.offset) * RTP_HZ) / 1000);

    if (!Number.isFinite(now) || rtpTimestamp === undefined) return NaN;
    let ticks = (((now - rtpTimestamp) % WRAP) + WRAP) % WRAP;
    if (ticks > WRAP / 2) ticks -= WRAP;
    return (ticks * 1000) / RTP_HZ;
  }
}
