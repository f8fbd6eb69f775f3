// SPDX-License-Identifier: MIT
// To a crowd: qdmabuf-webrtc sends to Debian's SFU by WHIP, and a browser watches there. What reaches the browser has
// passed through Janus alone: the viewer has no connection to the sender.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, openPage } from './support/chromium.mjs';
import { Janus, Session } from './support/janus.mjs';
import { frames, screenshot } from './support/rig.mjs';
import { Sender } from './support/sender.mjs';
import { Vm } from './support/vm.mjs';
import { WhipFront } from './support/whip-front.mjs';

const TOKEN = 'a-token-for-whip';
const ROOM = 1;
const OPTIONS = 'publishers = 3; bitrate = 8000000; videocodec = "h264,vp8"';
const PLAYOUT_DELAY = 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay';
const TOLERANCE = 24; // of 255: what 4:2:0 and the range of video leave of a flat colour
const CORNERS = [[[8, 8], [255, 0, 0]], [[1271, 8], [0, 255, 0]], [[8, 711], [0, 0, 255]], [[1271, 711], [255, 255, 0]]];
const STUN_ALLOCATE = 0x0003;
const STUN_COOKIE = 0x2112a442;

// Janus sends from no loopback address, and libnice asks no TURN server there.
const outer = Object.values(networkInterfaces()).flat().find(({ internal, family }) => !internal && family === 'IPv4');
const installed = process.env.PATH.split(':').some((folder) => existsSync(join(folder, 'janus')));
const why = !installed ? 'janus is not installed' : !outer && 'this machine has none but loopback addresses';
if (why) {
  console.log(`skipped: ${why}`);
  process.exit(77);
}

const vm = new Vm({ append: 'mode=1280x720 fps=30' });
const janus = new Janus({ [ROOM]: OPTIONS });
const browser = await launch();
const running = new Set();
const turn = createSocket('udp4'); // a TURN server that never answers
let session = null;
let front = null;

before(async () => {
  await Promise.all([vm.start(), janus.start()]);
  session = await new Session().open(janus);
  turn.bind(0, outer.address);
  await once(turn, 'listening');
  const uri = `turn:${outer.address}:${turn.address().port}?transport=udp`;
  const link = `<${uri}>; rel="ice-server"; username="u"; credential="p"; credential-type="password"`;
  front = await new WhipFront(session, { token: TOKEN, links: [link] }).listen();
});

after(async () => {
  await browser.close();
  for (const sender of running) // of tests that failed
    await sender.stop();
  turn.close();
  await vm.free();
  front?.close();
  await session?.close();
  assert.equal(await janus.stop(), 0, janus.log);
});

const cornersAreRight = (page) => page.waitForFunction(([corners, tolerance]) => {
  const seen = globalThis.probe.pixels(document.querySelector('video'), corners.map(([place]) => place));
  return corners.every(([, colour], i) => colour.every((value, j) => Math.abs(value - seen[i][j]) <= tolerance));
}, [CORNERS, TOLERANCE], { timeout: 10_000 });

const within = (seconds) => ({ signal: AbortSignal.timeout(1000 * seconds) });

// A sender whose video Janus has begun to get.
async function send(path, args = []) {
  const published = once(front, 'publisher', within(20));
  front.take();
  const sender = await new Sender(vm.address, ['--whip', front.origin + path, '--whip-token', TOKEN, ...args]).start();
  running.add(sender);
  const [publisher] = await published.catch((error) => { throw new Error(`${error.message}: ${sender.log}`); });
  await publisher.up;
  return { sender, publisher };
}

async function end({ sender }) {
  running.delete(sender);
  const status = await sender.stop();
  assert.equal(status, 0, sender.log);
  assert.doesNotMatch(sender.log, /WARNING|CRITICAL/);
}

// A browser that watches a publisher, by way of Janus.
async function watch({ room, feed }) {
  const page = await openPage(browser);
  await page.goto(front.origin);
  const handle = await session.attach();
  const { jsep: offer } = await handle.message({ request: 'join', ptype: 'subscriber', room, streams: [{ feed }] });
  const answer = await page.evaluate(async (description) => {
    const peer = new RTCPeerConnection();
    globalThis.peer = peer;
    peer.ontrack = ({ track }) => { document.querySelector('video').srcObject = new MediaStream([track]); };
    await peer.setRemoteDescription(description);
    await peer.setLocalDescription();
    if (peer.iceGatheringState !== 'complete')
      await new Promise((resolve) => {
        peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && resolve();
      });
    return { type: 'answer', sdp: peer.localDescription.sdp };
  }, { type: offer.type, sdp: offer.sdp });
  await handle.message({ request: 'start' }, answer);
  await page.waitForFunction(() => document.querySelector('video').videoWidth > 0, null, { timeout: 20_000 });
  return { page, handle, offer: offer.sdp };
}

const statsOf = (page) => page.evaluate(async () => [...(await globalThis.peer.getStats()).values()]
  .find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video'));

test('Janus has the video, and who watches there sees the screen at once', async () => {
  const sending = await send(`/moved/${ROOM}`);
  const { publisher, sender } = sending;
  assert.deepEqual(front.take(), [`POST /moved/${ROOM}`, `POST /whip/${ROOM}`]);

  const { page, offer } = await watch(publisher);
  const seen = (await frames(page, 30)).filter(({ top }) => top !== null);
  assert.ok(seen.every(({ top, bottom }) => bottom === null || top === bottom), 'a picture was torn');
  await cornersAreRight(page);
  await screenshot(page, 'whip-janus');

  // It asks nobody to wait, and Janus passes that on.
  assert.ok(publisher.answer.includes(PLAYOUT_DELAY) && offer.includes(PLAYOUT_DELAY));
  const { jitterBufferDelay, jitterBufferEmittedCount, framesDropped } = await statsOf(page);
  console.log(`jitter buffer behind Janus: ${(1000 * jitterBufferDelay / jitterBufferEmittedCount).toFixed(1)} ms, ${framesDropped} dropped`);

  const { webrtc, plugin_specific: plugin } = await publisher.handle.inspect();
  const { in: received } = Object.values(webrtc.media)[0].stats;
  assert.equal(plugin.streams[0].codec, 'h264');
  assert.ok(received.packets > 30 && received.bytes > 10_000, JSON.stringify(received));
  assert.match(webrtc.ice['selected-pair'], /host,udp/);

  await end(sending);
  assert.deepEqual(front.take(), ['DELETE /resource/1']);
  const { data } = await (await session.attach()).message({ request: 'listparticipants', room: ROOM });
  assert.deepEqual(data.participants.filter((one) => one.publisher), []);
  assert.doesNotMatch(sender.log, /again in/);
});

test('two see it, as VP8', async () => {
  const sending = await send(`/whip/${ROOM}`, ['--codec', 'vp8']);
  for (const { page } of [await watch(sending.publisher), await watch(sending.publisher)])
    await frames(page, 10);
  assert.equal((await sending.publisher.handle.inspect()).plugin_specific.streams[0].codec, 'vp8');
  await end(sending);
});

test('what Janus ends is begun again, with the TURN server that was named', async () => {
  const sending = await send(`/whip/${ROOM}`);
  front.take();
  const asked = once(turn, 'message', within(20));
  const again = once(front, 'publisher', within(20));
  await front.drop();
  const [message] = await asked;
  assert.equal(message.readUInt16BE(0), STUN_ALLOCATE);
  assert.equal(message.readUInt32BE(4), STUN_COOKIE);
  const [publisher] = await again;
  await publisher.up;
  assert.match(sending.sender.log, /WHIP: the server ended it; again in 1 s/);
  const [goodbye, ...rest] = front.take();
  assert.match(goodbye, /^DELETE /);
  assert.deepEqual(rest, [`POST /whip/${ROOM}`]);
  await frames((await watch(publisher)).page, 10);
  await end(sending);
});

test('a wrong token is said, and tried again', async () => {
  front.take();
  const refused = once(front, 'refused', within(20));
  const sender = await new Sender(vm.address, ['--whip', `${front.origin}/whip/${ROOM}`, '--whip-token', 'wrong']).start();
  running.add(sender);
  await refused;
  await once(front, 'refused', within(10));
  await end({ sender });
  assert.match(sender.log, /WHIP: the server answers 401 Unauthorized; again in 1 s/);
  assert.deepEqual([...new Set(front.take())], [`POST /whip/${ROOM} refused`]);
});
