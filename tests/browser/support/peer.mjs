// SPDX-License-Identifier: MIT
// A viewer that is no browser: libdatachannel, by the npm package node-datachannel, which shares no code with GStreamer's
// WebRTC nor with Chromium's. It receives RTP as it comes.
import { datachannel } from './modules.mjs';

const PAYLOAD = 108;
const STAP_A = 24;
const FU_A = 28;
const NAL = { IDR: 5, SPS: 7, PPS: 8 };

// The kinds of NAL units that begin in an RTP packet of H.264 (RFC 6184).
function nalKinds(packet) {
  const csrcs = packet[0] & 15;
  let at = 12 + 4 * csrcs;
  if (packet[0] & 16)
    at += 4 + 4 * packet.readUInt16BE(at + 2);
  const kind = packet[at] & 31;
  if (kind === FU_A)
    return packet[at + 1] & 128 ? [packet[at + 1] & 31] : [];
  if (kind !== STAP_A)
    return [kind];
  const kinds = [];
  for (at++; at + 2 < packet.length; at += 2 + packet.readUInt16BE(at))
    kinds.push(packet[at + 2] & 31);
  return kinds;
}

export class Peer {
  frames = []; // { rtp, kinds }, one for each RTP timestamp
  bytes = 0;
  messages = []; // Buffers of ctl
  #waiting = [];

  // sender: a Sender. channels: false for a player, which only watches. bindAddress: of its sockets.
  constructor(sender, { token = sender.token, channels = true, console = 0, bindAddress } = {}) {
    Object.assign(this, { sender, token, console });
    const { PeerConnection, Video } = datachannel();
    this.peer = new PeerConnection('viewer', { iceServers: [], disableAutoNegotiation: true, ...(bindAddress && { bindAddress }) });
    const video = new Video('0', 'RecvOnly');
    video.addH264Codec(PAYLOAD, 'profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1');
    this.track = this.peer.addTrack(video);
    this.track.onMessage((packet) => this.#onPacket(packet));
    if (channels) {
      this.ctl = this.peer.createDataChannel('ctl');
      this.ptr = this.peer.createDataChannel('ptr', { unordered: true, maxRetransmits: 0 });
      this.ctl.onMessage((message) => { this.messages.push(Buffer.from(message)); this.#wake(); });
      this.ctl.onOpen(() => this.#wake());
    }
    this.peer.onStateChange((state) => { this.state = state; this.#wake(); });
  }

  // The answer's HTTP response; it was taken if that is 201.
  async connect() {
    const gathered = new Promise((resolve) => this.peer.onGatheringStateChange((state) => state === 'complete' && resolve()));
    this.peer.setLocalDescription('offer');
    await gathered;
    const response = await this.sender.fetch(`/whep/${this.console}`, {
      method: 'POST', body: this.peer.localDescription().sdp,
      headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${this.token}` },
    });
    if (response.status === 201) {
      this.location = response.headers.get('Location');
      this.answer = await response.text();
      this.peer.setRemoteDescription(this.answer, 'answer');
    }
    return response;
  }

  #onPacket(packet) {
    if ((packet[1] & 127) !== PAYLOAD)
      return;
    const rtp = packet.readUInt32BE(4);
    this.ssrc = packet.readUInt32BE(8);
    this.bytes += packet.length;
    if (this.frames.at(-1)?.rtp !== rtp)
      this.frames.push({ rtp, kinds: new Set() });
    nalKinds(packet).forEach((kind) => this.frames.at(-1).kinds.add(kind));
    this.#wake();
  }

  // RTCP's Picture Loss Indication (RFC 4585).
  loseAPicture() {
    const pli = Buffer.from([0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]);
    pli.writeUInt32BE(this.ssrc, 8);
    return this.track.sendMessageBinary(pli);
  }

  #wake() {
    this.#waiting = this.#waiting.filter(({ test, resolve }) => !test(this) || resolve());
  }

  // Until test(this) is true.
  async until(test, what, seconds = 10) {
    if (test(this))
      return;
    let timer = null;
    const late = new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} did not come within ${seconds} s; the peer is ${this.state}`)), 1000 * seconds);
    });
    try {
      await Promise.race([late, new Promise((resolve) => this.#waiting.push({ test, resolve }))]);
    } finally {
      clearTimeout(timer);
    }
  }

  // With a DELETE, as players end; without it the sender must find out.
  async close({ politely = true } = {}) {
    if (this.closed)
      return;
    this.closed = true;
    if (politely && this.location)
      await this.sender.fetch(this.location, { method: 'DELETE', headers: { Authorization: `Bearer ${this.token}` } });
    this.peer.close();
  }

  static isKey({ kinds }) { return kinds.has(NAL.SPS) && kinds.has(NAL.PPS) && kinds.has(NAL.IDR); }
  static end() { datachannel().cleanup(); }
}
