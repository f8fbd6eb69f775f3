// SPDX-License-Identifier: MIT
// A hundred viewers come and leave, politely or not, and leave nothing behind in the sender.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Peer } from './support/peer.mjs';
import { Sender } from './support/sender.mjs';
import { Vm } from './support/vm.mjs';

const VIEWERS = 100;
const AT_ONCE = 4;
const GROWTH_KIB = 8192; // of the allocator: 80 KiB a viewer, of which each has more than 1 MiB while it is there

let vm = null;
let sender = null;

before(async () => {
  vm = await new Vm({ append: 'mode=320x240 fps=20' }).start();
  sender = await new Sender(vm.address, ['--sessions-per-minute', '10000'])
    .start({ MALLOC_ARENA_MAX: '1' }); // many arenas would grow for as long as threads come and go
});
after(async () => {
  assert.equal(await sender?.stop(), 0);
  await vm?.free();
  Peer.end();
});

function usage() {
  const status = readFileSync(`/proc/${sender.process.pid}/status`, 'utf8');
  const value = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]);
  return { fds: readdirSync(`/proc/${sender.process.pid}/fd`).length, threads: value('Threads'), kib: value('RssAnon') };
}

async function visit() {
  const peer = new Peer(sender);
  assert.equal((await peer.connect()).status, 201);
  await peer.until(({ frames }) => frames.length > 1, 'two frames', 20);
  assert.ok(Peer.isKey(peer.frames[0]));
  await peer.close();
}

async function visits(count) {
  let left = count;
  const one = async () => {
    while (left-- > 0)
      await visit();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

// What viewers leave is taken apart after they are gone: until nothing more ends.
async function settled() {
  let now = usage();
  for (let before = null; before === null || now.threads < before.threads || now.fds < before.fds;) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    now = usage();
  }
  return now;
}

test('nothing is left of them', async () => {
  await visits(4 * AT_ONCE); // what is loaded once, and kept
  const begin = await settled();
  await visits(VIEWERS);
  const end = await settled();
  console.log(`before and after ${VIEWERS} viewers: fds ${begin.fds} ${end.fds}, threads ${begin.threads} ${end.threads}, memory ${begin.kib} ${end.kib} KiB`);
  assert.ok(end.fds <= begin.fds + 2, `${end.fds} fds, ${begin.fds} before`); // two connections of HTTP, as clients like
  assert.ok(end.threads <= begin.threads + 1, `${end.threads} threads, ${begin.threads} before`); // of GLib's pools
  assert.ok(end.kib <= begin.kib + GROWTH_KIB, `${end.kib} KiB, ${begin.kib} before`);
});

test('one more than may is refused until another has left', async () => {
  const peers = Array.from({ length: 8 }, () => new Peer(sender));
  for (const peer of peers)
    assert.equal((await peer.connect()).status, 201);
  const early = new Peer(sender);
  const response = await early.connect();
  assert.equal(response.status, 503);
  assert.ok(Number(response.headers.get('Retry-After')) > 0);
  await peers.pop().close();
  const late = new Peer(sender);
  assert.equal((await late.connect()).status, 201);
  for (const peer of [...peers, early, late])
    await peer.close();
});
