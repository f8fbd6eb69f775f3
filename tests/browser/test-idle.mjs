// SPDX-License-Identifier: MIT
// A guest that shows nothing new costs next to nothing, and a browser that gets little does not take it for lost.
// ctest: serial
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './support/chromium.mjs';
import { cpuOfTree } from './support/figures.mjs';
import { Rig } from './support/rig.mjs';

const SECONDS = 10; // a browser that misses frames asks after 3
const SETTLE_MS = 2500; // the picture is refined, and the rate is that of what was
const KBIT = 15;
const CPU = 0.02;

const browser = await launch();
let rig = null;
before(async () => { rig = await Rig.open(browser, { vm: { append: 'mode=1280x720 fps=0' } }); });
after(async () => {
  await rig?.close();
  await browser.close();
});

// Of the whole connection: pings and reports are traffic too.
const traffic = (page) => page.evaluate(async () => {
  const all = [...(await globalThis.qdmabuf.pc.getStats()).values()];
  const { bytesReceived } = all.find(({ type }) => type === 'transport');
  const video = all.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
  return { bytes: bytesReceived, plis: video.pliCount, keys: video.keyFramesDecoded, frames: video.framesDecoded, video: video.bytesReceived };
});

test('an idle guest', async () => {
  const { page, sender } = rig;
  await page.waitForTimeout(SETTLE_MS);
  const before = await traffic(page);
  const cpuBefore = cpuOfTree(sender.process.pid);
  const begin = performance.now();
  await page.waitForTimeout(1000 * SECONDS);
  const end = await traffic(page);
  const seconds = (performance.now() - begin) / 1000;
  const cpu = (cpuOfTree(sender.process.pid) - cpuBefore) / 1000 / seconds;
  const kbit = 8 * (end.bytes - before.bytes) / 1000 / seconds;
  const video = 8 * (end.video - before.video) / 1000 / seconds;
  console.log(`idle: ${kbit.toFixed(1)} kbit/s, of them ${video.toFixed(1)} video; the sender ${(100 * cpu).toFixed(2)} % of a core; ` +
    `${end.frames - before.frames} frames in ${seconds.toFixed(1)} s`);
  assert.ok(kbit <= KBIT, `${kbit} kbit/s`);
  assert.ok(cpu <= CPU, `${100 * cpu} % of a core`);
  assert.equal(end.plis, before.plis, 'the browser asked for a key frame');
  assert.equal(end.keys, before.keys, 'a key frame was sent to a browser that did not need it');
  assert.ok(end.frames - before.frames >= SECONDS - 2, 'no heartbeat came');
});
