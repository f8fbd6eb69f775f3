// SPDX-License-Identifier: MIT
// The floor: a page with nothing but a video element, watching webrtc-floor.
import { createServer } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { spawnChild } from './child.mjs';

const PAGE = '<!doctype html><title>floor</title><video muted autoplay playsinline width="1280" height="720"></video>';

async function answerOf(process) {
  const lines = [];
  for await (const line of createInterface({ input: process.stdout })) {
    if (line === '.')
      return `${lines.join('\r\n')}\r\n`;
    if (line.trim() !== '')
      lines.push(line.trim());
  }
  throw new Error('webrtc-floor gave no answer');
}

export class Floor {
  async start(page) {
    this.folder = mkdtempSync(join(tmpdir(), 'qdmabuf-floor-'));
    this.log = join(this.folder, 'log');
    this.server = createServer((request, response) => {
      response.setHeader('Content-Type', 'text/html').end(PAGE);
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    await page.goto(`http://127.0.0.1:${this.server.address().port}/`);
    const offer = await page.evaluate(async () => {
      const peer = new RTCPeerConnection();
      globalThis.peer = peer;
      peer.addTransceiver('video', { direction: 'recvonly' });
      peer.ontrack = ({ track, receiver }) => {
        receiver.jitterBufferTarget = 0;
        document.querySelector('video').srcObject = new MediaStream([track]);
      };
      await peer.setLocalDescription();
      if (peer.iceGatheringState !== 'complete')
        await new Promise((resolve) => {
          peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && resolve();
        });
      return peer.localDescription.sdp;
    });
    writeFileSync(join(this.folder, 'offer'), offer);
    this.process = spawnChild(process.env.WEBRTC_FLOOR, [join(this.folder, 'offer'), this.log],
      { stdio: ['ignore', 'pipe', 'inherit'] });
    this.ended = new Promise((resolve) => this.process.once('exit', resolve));
    const sdp = await answerOf(this.process);
    await page.evaluate((answer) => globalThis.peer.setRemoteDescription({ type: 'answer', sdp: answer }), sdp);
    return this;
  }

  async stop() {
    this.process.kill('SIGKILL');
    await this.ended;
    this.server.close();
    this.server.closeAllConnections();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
