// SPDX-License-Identifier: MIT
// The connection to the sender: made, watched, and made anew when it is lost.

import { Clock } from './clock.js';
import * as protocol from './protocol.js';
import { Refusal, Whep } from './whep.js';

const PING_MS = 1000;
const SILENCE_MS = 5000; // without a pong
const CONNECT_MS = 15000;
const PAUSES_MS = [250, 500, 1000, 2000, 3000, 5000];
const MOTION_BYTES = 256; // may wait in the channel for motion; more would only get old there

function preferH264(transceiver) {
  const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
  const isH264 = (codec) => /\/h264$/i.test(codec.mimeType);

  if (codecs.some(isH264))
    transceiver.setCodecPreferences?.([...codecs.filter(isH264), ...codecs.filter((codec) => !isH264(codec))]);
}

// Events: "state" (detail: { state, text, inMs }), "track" (detail: MediaStreamTrack), "message" (detail: what
// protocol.read gives).
export class Connection extends EventTarget {
  pc = null;
  state = 'connecting';
  clock = new Clock();
  #token;
  #console;
  #whep = null;
  #ctl = null;
  #ptr = null;
  #abort = null;
  #failures = 0;
  #retry = 0;
  #watch = 0;
  #ping = { stamp: 0, sent: new Map(), heard: 0 };

  constructor(token, console) {
    super();
    this.#token = token;
    this.#console = console;
  }

  // Ends what there is, and begins anew at once.
  start() {
    this.stop();
    this.#say('connecting', '');
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.pc = pc;
    // What becomes of an attempt that was given up is of no interest.
    this.#connect(pc).catch((error) => this.pc === pc && this.#lost(error));
  }

  stop() {
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    this.#abort?.abort();
    this.#abort = null;
    this.#whep?.end();
    this.#whep = null;
    this.pc?.close();
    this.pc = null;
    this.#ctl = null;
    this.#ptr = null;
    this.clock.forget();
  }

  // False: it is not open.
  send(message) {
    if (this.#ctl?.readyState !== 'open') return false;
    this.#ctl.send(message);
    return true;
  }

  // False: it would have to wait. Where nobody is, nothing waits.
  sendMotion(message) {
    if (this.#ptr?.readyState !== 'open') return true;
    if (this.#ptr.bufferedAmount > MOTION_BYTES) return false;
    this.#ptr.send(message);
    return true;
  }

  #say(state, text, inMs = NaN) {
    this.state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: { state, text, inMs } }));
  }

  async #connect(pc) {
    const whep = new Whep(this.#token);
    const abort = new AbortController();
    const candidates = [];

    this.#whep = whep;
    this.#abort = abort;
    this.#openChannels(pc);
    this.#receiveVideo(pc);
    pc.addEventListener('icecandidate', (event) => event.candidate?.candidate && candidates.push(event.candidate));
    pc.addEventListener('track', (event) => this.pc === pc && this.dispatchEvent(new CustomEvent('track', { detail: event.track })));
    pc.addEventListener('connectionstatechange', () => this.#onConnectionState(pc));
    this.#watchOver(pc);
    const offer = await pc.createOffer();
    const { answer, iceServers } = await whep.post(`whep/${this.#console}`, offer.sdp, abort.signal);
    if (this.pc !== pc) {
      whep.end();
      return;
    }
    // What it says of TURN servers must be known before candidates are gathered.
    if (iceServers.length > 0) pc.setConfiguration({ ...pc.getConfiguration(), iceServers });
    const gathered = new Promise((resolve) => {
      pc.addEventListener('icegatheringstatechange', () => pc.iceGatheringState === 'complete' && resolve());
    });
    await pc.setLocalDescription(offer);
    await pc.setRemoteDescription({ type: 'answer', sdp: answer });
    await gathered;
    // The sender may have heard from all of them by then, and mDNS names may mean nothing to it.
    if (this.pc === pc) await whep.patch(offer.sdp, candidates).catch(() => {});
  }

  #openChannels(pc) {
    const ctl = pc.createDataChannel('ctl', { ordered: true });
    const ptr = pc.createDataChannel('ptr', { ordered: false, maxRetransmits: 0 });

    ctl.binaryType = 'arraybuffer';
    ctl.addEventListener('message', (event) => this.#onMessage(event.data));
    ctl.addEventListener('close', () => this.pc === pc && this.#lost(new Refusal(0, 'The sender closed the connection.')));
    this.#ctl = ctl;
    this.#ptr = ptr;
  }

  #receiveVideo(pc) {
    const transceiver = pc.addTransceiver('video', { direction: 'recvonly' });

    preferH264(transceiver);
    // A picture is of use at once or never.
    if ('jitterBufferTarget' in transceiver.receiver) transceiver.receiver.jitterBufferTarget = 0;
    if ('playoutDelayHint' in transceiver.receiver) transceiver.receiver.playoutDelayHint = 0;
  }

  #onConnectionState(pc) {
    if (this.pc !== pc) return;
    if (pc.connectionState === 'failed') this.#lost(new Refusal(0, 'The way to the sender is interrupted.'));
    else if (pc.connectionState === 'connected') {
      this.#failures = 0;
      this.#say('connected', '');
    }
  }

  #watchOver(pc) {
    const began = performance.now();

    this.#ping = { stamp: 0, sent: new Map(), heard: NaN };
    this.#watch = setInterval(() => {
      const now = performance.now();
      const silent = now - (this.#ping.heard || began) > (this.#ping.heard ? SILENCE_MS : CONNECT_MS);

      // A page that was not run for a while has heard nothing because it did not listen.
      if (silent && !document.hidden) this.#lost(new Refusal(0, 'The sender has gone silent.'));
      else if (this.pc === pc) this.#sendPing(now);
    }, PING_MS);
  }

  #sendPing(now) {
    const stamp = ++this.#ping.stamp;

    if (!this.send(protocol.ping(stamp))) return;
    this.#ping.sent.set(stamp, now);
    this.#ping.sent.delete(stamp - 20);
  }

  #onMessage(data) {
    const message = data instanceof ArrayBuffer ? protocol.read(data) : null;

    if (message?.kind === 'pong') this.#onPong(message);
    else if (message?.kind === 'hello') this.#sendPing(performance.now());
    if (message) this.dispatchEvent(new CustomEvent('message', { detail: message }));
  }

  #onPong(message) {
    const sent = this.#ping.sent.get(message.stamp);

    if (sent === undefined) return;
    this.#ping.sent.delete(message.stamp);
    this.#ping.heard = performance.now();
    this.clock.heard(sent, this.#ping.heard, message.timeUs);
  }

  #lost(error) {
    this.stop();
    const refused = error instanceof Refusal && (error.status === 401 || error.status === 403);
    if (refused) {
      this.#say('refused', error.message);
      return;
    }
    const pause = PAUSES_MS[Math.min(this.#failures++, PAUSES_MS.length - 1)] * (0.8 + 0.4 * Math.random());
    const inMs = error.retryAfter > 0 ? Math.min(error.retryAfter * 1000, 30000) : pause;
    this.#say('waiting', error.message, inMs);
    this.#retry = setTimeout(() => this.start(), inMs);
  }
}
