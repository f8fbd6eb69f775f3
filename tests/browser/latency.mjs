// SPDX-License-Identifier: MIT
// How old a picture is when it is presented in the browser, and how long a key takes to show: with a real QEMU, and in
// turn with the floor of this machine (floor.c), which is what a browser on it makes of the shortest pipeline.
//
//   BUILD_DIR=… node latency.mjs [--seconds 8] [--rounds 3] [--keys 100] [--gl] [--loss] [--gate | --check]
//
// --loss: once more over a way that loses 1 % of the packets and takes 20 ms there and back.
// --gate: exits 1 where a bar is missed; the run is void, exit 77, if the floor itself is slower than 25 ms.
// --check: asks only whether what is measured can be true; void as above, or if frames of the floor are lost.
import { parseArgs } from 'node:util';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clockOffset, launch, openPage } from './support/chromium.mjs';
import { cpuOfTree, latencies, ms, percentile, readLog, summary } from './support/figures.mjs';
import { Elsewhere } from './support/elsewhere.mjs';
import { Floor } from './support/floor.mjs';
import { Sender } from './support/sender.mjs';
import { Vm } from './support/vm.mjs';

const { values: options } = parseArgs({ options: {
  seconds: { type: 'string', default: '8' }, rounds: { type: 'string', default: '3' },
  keys: { type: 'string', default: '100' }, gl: { type: 'boolean', default: false },
  gate: { type: 'boolean', default: false }, check: { type: 'boolean', default: false },
  loss: { type: 'boolean', default: false },
} });
const SECONDS = Number(options.seconds);
const BARS = { p50: 6, p95: 15, fps: { box: 58, full: 50 }, input: { p50: 45, p95: 70 }, void: 25 };
const SANE = { p50: 100, counters: 30, never: 0.05 };
const LOSS = ['loss', '1%', 'delay', '10ms', 'limit', '1000'];
const monotonic = () => Number(process.hrtime.bigint() / 1000n);

const playing = (page) => page.waitForFunction(() => {
  const video = document.querySelector('video');
  return video && video.readyState >= 2 && video.videoWidth > 0 && !video.paused;
}, null, { timeout: 20_000 });

// One measurement of whatever plays in the page. pids: name to process.
async function measure(page, log, pids, damage) {
  await playing(page);
  const clock = await clockOffset(page);
  const begin = monotonic();
  const cpu = Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuOfTree(pid)]));
  await page.evaluate((how) => globalThis.probe.watch(document.querySelector('video'), { damage: how }), damage);
  await page.waitForTimeout(1000 * SECONDS);
  const end = monotonic();
  for (const [name, pid] of Object.entries(pids))
    cpu[name] = (cpuOfTree(pid) - cpu[name]) / ((end - begin) / 1000);
  await page.waitForTimeout(300); // what is on its way may still arrive
  const frames = await page.evaluate(() => globalThis.probe.stop());
  const at = (frame) => 1000 * frame.presented + clock.offset;
  const inside = frames.filter((frame) => at(frame) >= begin && at(frame) <= end);
  // What was captured before the probe watched was not seen by it.
  const values = latencies(readLog(log), frames, clock.offset, begin + 200_000, end);
  return {
    values, clock: clock.error / 1000, cpu,
    counters: new Set(inside.filter(({ top }) => top !== null).map(({ top }) => top)).size / ((end - begin) / 1e6),
    presented: inside.length / ((end - begin) / 1e6),
    torn: inside.filter(({ top, bottom }) => top !== null && bottom !== null && top !== bottom).length,
  };
}

const merge = (runs) => ({
  ...summary(runs.flatMap(({ values }) => values)),
  never: runs.flatMap(({ values }) => values).filter((value) => value === Infinity).length,
  counters: percentile(runs.map(({ counters }) => counters), 50),
  presented: percentile(runs.map(({ presented }) => presented), 50),
  torn: runs.reduce((sum, { torn }) => sum + torn, 0),
  clock: Math.max(...runs.map(({ clock }) => clock)),
  cpu: Object.fromEntries(Object.keys(runs[0].cpu).map((name) => [name, percentile(runs.map(({ cpu }) => cpu[name]), 50)])),
});

async function runFloor(browser) {
  const page = await openPage(browser);
  const floor = await new Floor().start(page);
  try {
    return await measure(page, floor.log, { sender: floor.process.pid }, 'full');
  } finally {
    await page.context().close();
    await floor.stop();
  }
}

// With a VM and a sender that run; vm, sender and page are given to work. elsewhere: where the browser is.
async function withSender(browser, append, work, elsewhere = null) {
  const folder = mkdtempSync(join(tmpdir(), 'qdmabuf-latency-'));
  const log = join(folder, 'log');
  const vm = await new Vm({ gl: options.gl, append }).start();
  const listen = elsewhere ? ['--listen', `${elsewhere.address}:0`, '--tls-self-signed'] : [];
  const sender = await new Sender(vm.address, ['--stats-log', log, ...listen]).start({ XDG_DATA_HOME: folder });
  try {
    const page = await openPage(browser, { ignoreHTTPSErrors: elsewhere !== null });
    await page.goto(sender.url);
    try {
      return await work({ vm, sender, page, log });
    } finally {
      await page.context().close();
    }
  } finally {
    await sender.stop();
    await vm.free();
    rmSync(folder, { recursive: true, force: true });
  }
}

const runDamage = (browser, damage, elsewhere = null) => withSender(browser, `mode=1280x720 fps=60 damage=${damage}`,
  ({ vm, sender, page, log }) => measure(page, log, { sender: sender.process.pid, qemu: vm.qemu.pid }, damage), elsewhere);

// Figures of a bad way, which no bar is set for.
async function runLoss() {
  const elsewhere = new Elsewhere();
  try {
    elsewhere.disturb(...LOSS);
    const browser = await launch({ executablePath: elsewhere.chromium });
    try {
      line('1 % loss, 20 ms', merge([await runDamage(browser, 'box', elsewhere)]));
    } finally {
      await browser.close();
    }
  } catch (error) {
    if (error.stderr === undefined && elsewhere.namespace)
      throw error;
    console.log(`not measured with loss: this machine has no netem (${String(error.stderr ?? error.message).trim()})`);
  } finally {
    elsewhere.free();
  }
}

// A key goes down in the page, and its block is seen in the picture.
async function runKeys(browser, append) {
  return withSender(browser, append, async ({ page }) => {
    await playing(page);
    await page.locator('#screen').focus();
    const values = [];
    for (let i = 0; i < Number(options.keys); i++) {
      await page.waitForTimeout(Math.random() * 33); // at no fixed time of the guest's frames
      values.push(await pressAndSee(page));
    }
    return summary(values);
  });
}

async function pressAndSee(page) {
  await page.evaluate(() => {
    const video = document.querySelector('video');
    globalThis.shown = new Promise((resolve) => {
      addEventListener('keydown', () => {
        const begin = performance.now();
        globalThis.probe.frameWhere(video, () => globalThis.probe.readInput(video)?.down === true)
          .then(({ presented }) => resolve(presented - begin));
      }, { capture: true, once: true });
    });
  });
  await page.keyboard.down('a');
  const late = new Promise((resolve) => setTimeout(resolve, 2000, Infinity));
  const value = await Promise.race([page.evaluate(() => globalThis.shown), late]);
  await page.evaluate(() => {
    const video = document.querySelector('video');
    globalThis.gone = globalThis.probe.frameWhere(video, () => globalThis.probe.readInput(video)?.down === false);
  });
  await page.keyboard.up('a');
  await Promise.race([page.evaluate(() => globalThis.gone.then(() => 0)), late]);
  return value;
}

const line = (name, { n, p50, p95, p99, never, counters, presented, torn, clock, cpu }) => console.log(
  `${name.padEnd(14)} ${String(n).padStart(5)} frames  p50 ${ms(p50)} p95 ${ms(p95)} p99 ${ms(p99)} ms  ` +
  `${counters.toFixed(1)} counters/s, ${presented.toFixed(1)} presented/s  never ${never} torn ${torn}  ` +
  `clock ±${clock.toFixed(2)} ms  CPU ${Object.entries(cpu).map(([who, share]) => `${who} ${(100 * share).toFixed(0)} %`).join(', ')}`);

const misses = [];
const demand = (ok, text) => { if (!ok) misses.push(text); };

function checkBars(damage, result, floor) {
  demand(result.p50 <= floor.p50 + BARS.p50, `${damage}: p50 is ${ms(result.p50 - floor.p50)} ms above the floor, not ${BARS.p50}`);
  demand(result.p95 <= floor.p50 + BARS.p95, `${damage}: p95 is ${ms(result.p95 - floor.p50)} ms above the floor, not ${BARS.p95}`);
  demand(result.counters >= BARS.fps[damage], `${damage}: ${result.counters.toFixed(1)} counters/s, not ${BARS.fps[damage]}`);
}

function checkSanity(damage, result) {
  demand(result.p50 > 0 && result.p50 <= SANE.p50, `${damage}: p50 is ${ms(result.p50)} ms`);
  demand(result.counters >= SANE.counters, `${damage}: ${result.counters.toFixed(1)} counters/s`);
  demand(result.never <= SANE.never * result.n, `${damage}: ${result.never} of ${result.n} frames were not seen`);
  demand(result.torn === 0, `${damage}: ${result.torn} frames were torn`);
}

const browser = await launch();
const runs = { floor: [], box: [], full: [] };
try {
  for (let round = 0; round < Number(options.rounds); round++) {
    runs.floor.push(await runFloor(browser));
    runs.box.push(await runDamage(browser, 'box'));
    runs.floor.push(await runFloor(browser));
    runs.full.push(await runDamage(browser, 'full'));
  }
  const floor = merge(runs.floor);
  line('floor', floor);
  for (const damage of ['box', 'full']) {
    const result = merge(runs[damage]);
    line(`${options.gl ? 'gl=on' : 'gl=off'} ${damage}`, result);
    if (options.check)
      checkSanity(damage, result);
    else
      checkBars(damage, result, floor);
  }
  for (const [name, append] of [['idle', 'mode=1280x720 fps=0'], ['box', 'mode=1280x720 fps=60 damage=box']]) {
    const keys = await runKeys(browser, append);
    console.log(`key to pixel, ${name} guest: ${keys.n} keys  p50 ${ms(keys.p50)} p95 ${ms(keys.p95)} p99 ${ms(keys.p99)} ms`);
    const bars = options.check ? { p50: SANE.p50, p95: Infinity } : BARS.input;
    demand(keys.p50 <= bars.p50, `key to pixel (${name}): p50 ${ms(keys.p50)} ms, not ${bars.p50}`);
    demand(keys.p95 <= bars.p95, `key to pixel (${name}): p95 ${ms(keys.p95)} ms, not ${bars.p95}`);
  }
  if (options.loss)
    await runLoss();
  for (const miss of misses)
    console.log(`missed: ${miss}`);
  const lossy = options.check && floor.never > SANE.never * floor.n;
  if ((options.gate || options.check) && (!(floor.p50 <= BARS.void) || lossy)) {
    console.log(`void: the floor's p50 is ${ms(floor.p50)} ms, and ${floor.never} of its ${floor.n} frames were not seen`);
    process.exitCode = 77;
  } else if ((options.gate || options.check) && misses.length > 0) {
    process.exitCode = 1;
  }
} finally {
  await browser.close();
}
