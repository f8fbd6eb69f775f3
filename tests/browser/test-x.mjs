// SPDX-License-Identifier: MIT
// To a crowd: qdmabuf-webrtc sends to Debian's SFU by WHIP, and a browser watches there. What reaches the browser has
// passed through Janus alone: the viewer has no connection to the sender.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
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
// A server that says nothing: of the addresses that documentation may use.
const TURN = '<turn:192.0.2.255:3478?transport=udp>; rel="ice-server"; username="u"; credential="p"; credential-type="password"';

const vm = new Vm({ append: 'mode=1280x720 fps=30' });
const janus = new Janus({ [ROOM]: OPTIONS, 2: OPTIONS + '; playoutdelay_ext = false' });
const session = new Session();
const browser = await launch();
let front = null;

before(async () => {
  await Promise.all([vm.start(), janus.start()]);
  await session.open(janus);
  front = await new WhipFront(session, { token: TOKEN, iceServers: [TURN] }).listen();
});

after(async () => {
  await browser.close();
  await front?.close();
  await session.close();
  assert.equal(await janus.stop(), 0, janus.log);
  await vm.free();
});

const within = (seconds) => ({ signal: AbortSignal.timeout(1000 * seconds) });

// A sender whose video Janus has begun to get.
async function send(path, args = []) {
  const published = once(front, 'publisher', within(20));
  const sender = await new Sender(vm.address, ['--whip', front.origin + path, '--whip-token', TOKEN, ...args]).start();
  const [publisher] = await published.catch((error) => { throw new Error(`${error.message}: ${sender.log}`); });
  await publisher.up;
  return { sender, publisher };
}

async function end({ sender }) {
  const status = await sender.stop();
  assert.equal(status, 0, sender.log);
  assert.doesNotMatch(sender.log, /WARNING(?!.*reconnect)|CRITICAL/);
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


describe('to Janus', () => {
  let sending = null;
  before(async () => { sending = await send(`/moved/${ROOM}`); });

  test('x', async () => {
    for (let i=0;i<2;i++) {
    const t0 = performance.now();
    const again = once(front, 'publisher', within(60));
    const req = once(front, 'request', within(60)).then((r) => console.log(r, performance.now()-t0));
    await front.drop();
    sending.publisher = (await again)[0];
    console.log('published', performance.now()-t0);
    await sending.publisher.up;
    console.log('up', performance.now()-t0);
    }
    console.log(sending.publisher.offer);
    for (const room of [1, 2]) {
      if (room === 2) { await end(sending); sending = await send(`/whip/2`); }
    const w = await watch(sending.publisher);
    console.log(w.offer.match(/playout-delay/));
    await new Promise(r => setTimeout(r, 8000));
    console.log(await w.page.evaluate(async () => [...(await peer.getStats()).values()].filter((s) => s.type === 'inbound-rtp').map((s) => [s.framesDecoded, 1000*s.jitterBufferDelay/s.jitterBufferEmittedCount, s.jitterBufferTargetDelay/s.jitterBufferEmittedCount, s.keyFramesDecoded, s.packetsLost, s.framesDropped])));
    console.log(JSON.stringify((await sending.publisher.handle.inspect()).webrtc.media, null, 1));
    await w.page.context().close();
    }
    console.log(front.requests);
    await end(sending);
    console.log(sending.sender.log, front.requests);
  });
});
