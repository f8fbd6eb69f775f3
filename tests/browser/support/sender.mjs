// SPDX-License-Identifier: MIT
// qdmabuf-webrtc as a user starts it.
import { createInterface } from 'node:readline';
import { spawnChild } from './child.mjs';

export class Sender {
  // address: of the VM.
  constructor(address, args = []) {
    this.args = [...(address ? [address] : []), ...(args.includes('--listen') ? [] : ['--listen', '127.0.0.1:0']), ...args];
    this.log = '';
  }

  async start(env = {}) {
    this.process = spawnChild(process.env.QDMABUF_WEBRTC, this.args, {
      env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.ended = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve(signal ?? code)));
    this.process.stderr.on('data', (text) => { this.log += text; });
    const url = new Promise((resolve) => createInterface({ input: this.process.stdout }).once('line', resolve));
    this.url = await Promise.race([url, this.ended.then((status) => {
      throw new Error(`qdmabuf-webrtc ended with ${status}: ${this.log}`);
    })]);
    return this;
  }

  get origin() { return new URL(this.url).origin; }
  get token() { return new URLSearchParams(new URL(this.url).hash.slice(1)).get('token'); }

  fetch(path, options = {}) {
    return fetch(this.origin + path, {
      ...options, headers: { Authorization: `Bearer ${this.token}`, ...options.headers },
    });
  }

  // As Ctrl-C does. The exit status.
  async stop() {
    this.process.kill('SIGINT');
    return this.ended;
  }
}
