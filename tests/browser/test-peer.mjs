// SPDX-License-Identifier: MIT
// A player that is no browser: libdatachannel watches by WHEP, and drives the guest where it opens data channels.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Peer } from './support/peer.mjs';
import { Sender } from './support/sender.mjs';
import { Vm } from './support/vm.mjs';

const HELLO = 0x81;
const SIZE = 0x86;
const CONTROL = 0x87;
const YOU = 1;

let vm = null;
let sender = null;

before(async () => {
  vm = await new Vm({ append: 'mode=1280x720 fps=30' }).start();
  sender = await new Sender(vm.address).start();
});
after(async () => {
  assert.equal(await sender?.stop(), 0);
  await vm?.free();
  Peer.end();
});

const peers = [];
function open(options) {
  peers.push(new Peer(sender, options));
  return peers.at(-1);
}
// One that a failed test left would keep control.
afterEach(async () => {
  for (const peer of peers.splice(0))
    await peer.close();
});

const message = (peer, opcode) => peer.messages.find((one) => one[0] === opcode);

test('it gets a key frame first, and then frame after frame', async () => {
  const peer = open();
  const response = await peer.connect();
  assert.equal(response.status, 201);
  assert.equal(response.headers.get('Content-Type'), 'application/sdp');
  assert.ok(response.headers.get('ETag') && peer.location);
  assert.match(peer.answer, /^a=sendonly\r?$/m);
  assert.match(peer.answer, /^a=candidate:.* 127\.0\.0\.1 /m);
  await peer.until(({ frames }) => frames.length > 20, '20 frames');
  assert.ok(Peer.isKey(peer.frames[0]), `the first frame has NAL units ${[...peer.frames[0].kinds]}`);
  // Of a machine so busy that the gate closed, one more comes.
  const more = peer.frames.slice(1).filter(Peer.isKey).length;
  assert.ok(more <= 1, `${more} more key frames, which nobody asked for`);
  await peer.close();
});

test('its data channels drive the guest', async () => {
  const peer = open();
  await peer.connect();
  await peer.until((one) => message(one, CONTROL)?.[1] === YOU, 'control');
  assert.equal(message(peer, HELLO)[1], 1);
  assert.deepEqual([message(peer, SIZE).readUInt16LE(2), message(peer, SIZE).readUInt16LE(4)], [1280, 720]);
  vm.forget();
  peer.ctl.sendMessageBinary(Buffer.from([0x01, 1, 30, 0]));
  await vm.line(/^key 30 down$/);
  const motion = Buffer.alloc(16);
  motion.set([0x0c, 2]);
  [1, 123, 456].forEach((value, i) => motion.writeUInt32LE(value, 4 + 4 * i));
  await peer.until(() => peer.ptr.isOpen(), 'the channel for motion');
  peer.ptr.sendMessageBinary(motion);
  await vm.line(/^pointer abs 123 456$/);
  await peer.close(); // with the key down
  await vm.line(/^key 30 up$/);
});

test('a player without data channels watches', async () => {
  const peer = open({ channels: false });
  assert.equal((await peer.connect()).status, 201);
  await peer.until(({ frames }) => frames.length > 5, '5 frames');
  assert.ok(Peer.isKey(peer.frames[0]));
  await peer.close();
});

test('who asks for a key frame gets one, in either way', async () => {
  const peer = open();
  await peer.connect();
  for (const ask of [() => peer.loseAPicture(), () => peer.ctl.sendMessageBinary(Buffer.from([0x08]))]) {
    const begin = peer.frames.length;
    await peer.until(({ frames }) => frames.length > begin + 20, '20 frames'); // beyond the pause between two key frames
    const before = peer.frames.length;
    assert.ok(ask());
    await peer.until(({ frames }) => frames.slice(before).some(Peer.isKey), 'a key frame');
  }
  await peer.close();
});
