// SPDX-License-Identifier: MIT
// A place from where the sender is not on loopback: a network namespace behind a pair of veth, where the kernel and our
// rights allow it, else this machine's own other address.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';

// For documentation (RFC 5737), so that nobody has them; of which a test machine may yet be in one.
const NETWORKS = ['198.51.100', '203.0.113', '192.0.2'];

const addresses = () => Object.values(networkInterfaces()).flat().filter(({ family, internal }) => family === 'IPv4' && !internal)
  .map(({ address }) => address);
const run = (...args) => execFileSync(args[0], args.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] }).toString();

export class Elsewhere {
  // Where it is for humans, the address at which the sender must listen, what runs a browser there.
  where = '';
  address = null;
  chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'qdmabuf-elsewhere-'));
    try {
      this.#makeNamespace();
      this.where = `network namespace ${this.namespace}`;
    } catch (error) {
      this.#freeNamespace();
      this.address = addresses()[0];
      this.where = this.address && `this machine's own address ${this.address}: ${String(error.stderr ?? error).trim()}`;
    }
  }

  #makeNamespace() {
    const name = `qdmabuf${process.pid}`;
    const network = NETWORKS.find((one) => !addresses().some((address) => address.startsWith(`${one}.`)));
    const [near, far] = [`qn${process.pid}`, `qf${process.pid}`];
    run('ip', 'netns', 'add', name);
    this.namespace = name;
    run('ip', 'link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name);
    this.near = near;
    run('ip', 'address', 'add', `${network}.1/24`, 'dev', near);
    run('ip', 'link', 'set', near, 'up');
    run('ip', '-n', name, 'link', 'set', far, 'addrgenmode', 'none'); // no address that comes later, which browsers take for a change
    run('ip', '-n', name, 'address', 'add', `${network}.2/24`, 'dev', far);
    run('ip', '-n', name, 'link', 'set', far, 'up');
    run('ip', '-n', name, 'link', 'set', 'lo', 'up');
    run('ip', '-n', name, 'route', 'add', 'default', 'via', `${network}.1`); // browsers look for a way out to find their address
    this.far = far;
    this.address = `${network}.1`;
    const wrapper = join(this.folder, 'chromium');
    writeFileSync(wrapper, `#!/bin/sh\nexec ip netns exec ${name} ${this.chromium} "$@"\n`);
    chmodSync(wrapper, 0o755);
    this.chromium = wrapper;
  }

  // Makes the way bad, in both directions. how: arguments of netem. Throws where the kernel has none.
  disturb(...how) {
    if (!this.namespace)
      throw new Error('no network namespace of our own');
    run('tc', 'qdisc', 'replace', 'dev', this.near, 'root', 'netem', ...how);
    run('tc', '-n', this.namespace, 'qdisc', 'replace', 'dev', this.far, 'root', 'netem', ...how);
  }

  #freeNamespace() {
    if (this.namespace)
      run('ip', 'netns', 'delete', this.namespace); // and with it the veths
    this.namespace = undefined;
  }

  free() {
    this.#freeNamespace();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
