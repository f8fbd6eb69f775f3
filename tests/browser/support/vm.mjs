// SPDX-License-Identifier: MIT
// A QEMU with the testcard, and what the guest says on its serial line.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { spawnChild } from './child.mjs';

export class Vm {
  // gl: false, or true for software GL. display: of the device's options. Arguments of the guest as
  // tools/testcard/README.md has them.
  constructor({ gl = false, display = '', append = 'mode=1280x720 fps=60', devices = ['virtio-tablet-pci'] } = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'qdmabuf-vm-'));
    this.qmp = join(this.folder, 'qmp');
    this.options = { gl, display, append, devices };
    this.lines = [];
    this.waiting = [];
  }

  get address() { return `qmp:${this.qmp}`; }

  async start() {
    const { gl, display: options, append, devices } = this.options;
    const display = gl ? 'dbus,p2p=yes,gl=on,rendernode=/dev/null' : 'dbus,p2p=yes,gl=off';
    const args = ['-nodefaults', '-no-user-config', '-m', '64', '-accel', 'tcg', '-vga', 'none', '-display', display,
      '-device', `${gl ? 'virtio-vga-gl' : 'virtio-vga'}${options && `,${options}`}`, ...devices.flatMap((device) => ['-device', device]),
      '-serial', 'stdio', '-qmp', `unix:${this.qmp},server=on,wait=off`,
      '-qmp', `unix:${join(this.folder, 'own')},server=on,wait=off`,
      '-kernel', process.env.TESTCARD_ELF, '-append', append];
    const env = { ...process.env, ...(gl ? { LD_PRELOAD: process.env.SOFTUDMABUF } : {}) };
    this.qemu = spawnChild('qemu-system-x86_64', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve) => this.qemu.once('exit', resolve));
    this.complaint = '';
    this.qemu.stderr.on('data', (text) => { this.complaint += text; });
    createInterface({ input: this.qemu.stdout }).on('line', (line) => this.#heard(line.trim()));
    await this.line(/^testcard: ready/, 60);
    return this;
  }

  #heard(line) {
    this.lines.push(line);
    for (const wait of this.waiting.filter(({ pattern }) => pattern.test(line)))
      wait.resolve(line);
    this.waiting = this.waiting.filter(({ pattern }) => !pattern.test(line));
  }

  // The next line that matches, or one that was said since the last call of forget.
  async line(pattern, seconds = 10) {
    const said = this.lines.find((line) => pattern.test(line));
    if (said)
      return said;
    let timer = null;
    const late = new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(
        `the guest did not say ${pattern} within ${seconds} s; it said: ${this.lines.slice(-5).join(' | ')}` +
        (this.complaint ? `; QEMU: ${this.complaint}` : ''))), 1000 * seconds);
    });
    const heard = new Promise((resolve) => this.waiting.push({ pattern, resolve }));
    try {
      return await Promise.race([heard, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  forget() { this.lines = []; }

  // Over a QMP socket of its own.
  async command(execute) {
    const socket = connect(join(this.folder, 'own'));
    try {
      for (const one of ['qmp_capabilities', execute])
        socket.write(JSON.stringify({ execute: one }));
      let answers = 0;
      for await (const text of createInterface({ input: socket })) {
        const { error, return: result } = JSON.parse(text);
        if (error)
          throw new Error(`QMP ${execute}: ${error.desc}`);
        if (result !== undefined && ++answers === 2)
          return result;
      }
      throw new Error(`QMP ${execute}: no answer`);
    } finally {
      socket.destroy();
    }
  }

  // Ends QEMU without a goodbye; start() begins another at the same address.
  async kill() {
    this.qemu?.kill('SIGKILL');
    await this.ended;
    this.forget();
  }

  async free() {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
