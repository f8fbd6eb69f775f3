// SPDX-License-Identifier: MIT
// What the overlay shows: figures of the browser, and of the sender.

import { request } from './whep.js';

const PERIOD_MS = 1000;
const AGES = 240; // of frames, for the median

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);

  return sorted.length > 0 ? sorted[sorted.length >> 1] : NaN;
};
const rate = (now, before, name, seconds) => (before ? ((now[name] ?? 0) - (before[name] ?? 0)) / seconds : NaN);
const text = (value, unit, digits = 0) => (Number.isFinite(value) ? `${value.toFixed(digits)} ${unit}` : '–');

export class Statistics {
  figures = {};
  frame = null; // of requestVideoFrameCallback
  #connection;
  #before = null;
  #ages = [];
  #sender = null; // of /stats

  constructor(connection) {
    this.#connection = connection;
  }

  watch(video) {
    if (!video.requestVideoFrameCallback) return;
    const next = (now, frame) => {
      this.frame = frame;
      this.#ages.push(this.#connection().clock.age(frame.rtpTimestamp, frame.expectedDisplayTime));
      if (this.#ages.length > AGES) this.#ages.shift();
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  }

  forget() {
    this.#before = null;
    this.#ages = [];
    this.#sender = null;
  }

  // Renews the figures each second, for as long as the page lives. askSender: also what only /stats knows.
  run(token, console, askSender, show) {
    setInterval(async () => {
      const wanted = askSender() && !document.hidden;

      if (wanted) this.#sender = await this.#ask(token(), console());
      else this.#sender = null;
      await this.#measure();
      if (wanted) show(this.#rows());
    }, PERIOD_MS);
  }

  async #ask(token, console) {
    try {
      const all = await (await request('stats', { signal: AbortSignal.timeout(PERIOD_MS) }, token)).json();

      return all.consoles?.find((one) => one.index === console)?.broadcast ?? null;
    } catch {
      return null;
    }
  }

  async #measure() {
    const report = await this.#connection().pc?.getStats().catch(() => null);
    const inbound = [...(report?.values() ?? [])].find((one) => one.type === 'inbound-rtp' && one.kind === 'video');

    if (!inbound) {
      this.figures = {};
      return;
    }
    const before = this.#before;
    const seconds = before ? (inbound.timestamp - before.timestamp) / 1000 : NaN;
    const emitted = rate(inbound, before, 'jitterBufferEmittedCount', 1);
    const decoded = rate(inbound, before, 'framesDecoded', 1);
    this.figures = {
      fps: rate(inbound, before, 'framesDecoded', seconds),
      kbit: (rate(inbound, before, 'bytesReceived', seconds) * 8) / 1000,
      jitterBufferMs: emitted > 0 ? (rate(inbound, before, 'jitterBufferDelay', 1) / emitted) * 1000 : NaN,
      decodeMs: decoded > 0 ? (rate(inbound, before, 'totalDecodeTime', 1) / decoded) * 1000 : NaN,
      dropped: inbound.framesDropped,
      lost: inbound.packetsLost,
      keyFrames: inbound.keyFramesDecoded,
      width: inbound.frameWidth,
      height: inbound.frameHeight,
      decoder: inbound.decoderImplementation,
      codec: report.get(inbound.codecId)?.mimeType?.replace('video/', ''),
      rttMs: this.#connection().clock.rtt,
      latencyMs: this.#latency(),
    };
    this.#before = inbound;
  }

  // From the sender's timestamp, which a frame gets when it goes to the encoder, and from QEMU's update to there.
  #latency() {
    const before = (this.#sender?.library?.['delivered-us']?.p50 ?? 0) / 1000;

    return median(this.#ages.filter(Number.isFinite)) + before;
  }

  #rows() {
    const { figures } = this;
    const coding = this.#sender?.codings?.find((one) => one.codec?.toLowerCase() === figures.codec?.toLowerCase()) ?? this.#sender?.codings?.[0];

    return [
      ['Picture', figures.width ? `${figures.width} × ${figures.height}` : '–'],
      ['Frames', text(figures.fps, '/s')],
      ['Rate', figures.kbit >= 1000 ? text(figures.kbit / 1000, 'Mbit/s', 1) : text(figures.kbit, 'kbit/s')],
      ['Update to screen', text(figures.latencyMs, 'ms', 1)],
      ['Round trip', text(figures.rttMs, 'ms', 1)],
      ['Jitter buffer', text(figures.jitterBufferMs, 'ms', 1)],
      ['Decoding', text(figures.decodeMs, 'ms', 1)],
      ['Lost packets', figures.lost ?? '–'],
      ['Dropped frames', figures.dropped ?? '–'],
      ['Codec', [figures.codec, figures.decoder].filter(Boolean).join(', ') || '–'],
      ['Encoder', coding ? `${coding.encoder}, ${text(coding.encode_us / 1000, 'ms', 1)}` : '–'],
      ['Read by', this.#sender?.backend || '–'],
      ...(this.#sender?.renderer ? [['Renderer', this.#sender.renderer]] : []),
    ];
  }
}
