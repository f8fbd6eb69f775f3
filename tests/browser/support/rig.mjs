// SPDX-License-Identifier: MIT
// A VM, its sender, and the page in a browser: what most tests begin with, and how they look at it.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openPage } from './chromium.mjs';
import { Sender } from './sender.mjs';
import { Vm } from './vm.mjs';

const SECONDS = 1000;

export class Rig {
  // vm: as Vm has it. args, env: of the sender. page: of Playwright's contexts.
  static async open(browser, { vm = {}, args = [], env = {}, page = {} } = {}) {
    const rig = new Rig();
    rig.browser = browser;
    rig.vm = new Vm(vm);
    try {
      await rig.vm.start();
      rig.sender = await new Sender(rig.vm.address, args).start(env);
      rig.page = await rig.view(page);
    } catch (error) {
      await rig.close();
      throw error;
    }
    return rig;
  }

  // Another viewer, with a picture. token: not that for control.
  async view({ token = this.sender.token, ...options } = {}) {
    const page = await openPage(this.browser, options);
    const url = new URL(this.sender.url);
    url.hash = `token=${token}`;
    await page.goto(url.href);
    await playing(page);
    return page;
  }

  // Of the sender: nothing may have been complained of. Its exit status is asserted as well.
  async close() {
    for (const context of this.browser?.contexts() ?? [])
      await context.close();
    const status = await this.sender?.stop();
    await this.vm.free();
    assert.ok(status === undefined || status === 0, `qdmabuf-webrtc ended with ${status}: ${this.sender?.log}`);
    assert.doesNotMatch(this.sender?.log ?? '', /WARNING|CRITICAL/);
  }
}

export const playing = (page, timeout = 20 * SECONDS) => page.waitForFunction(() => {
  const video = document.querySelector('video');
  return video && video.readyState >= 2 && video.videoWidth > 0 && !video.paused && globalThis.qdmabuf.control !== 'nobody';
}, null, { timeout });

// Waits until what the page tells scripts (docs/webrtc.md) is so. values: of window.qdmabuf.
export const says = (page, values, timeout = 10 * SECONDS) => page.waitForFunction(
  (wanted) => Object.entries(wanted).every(([name, value]) => globalThis.qdmabuf[name] === value), values, { timeout });

// The same of the picture: its input blocks.
export const shows = (page, wanted, timeout = 10 * SECONDS) => page.waitForFunction((values) => {
  const input = globalThis.probe.readInput(document.querySelector('video'));
  return input && Object.entries(values).every(([name, value]) => input[name] === value);
}, wanted, { timeout });

// Frames with a counter that come until count different ones were seen.
export async function frames(page, count, damage = 'full') {
  await page.evaluate((how) => globalThis.probe.watch(document.querySelector('video'), { damage: how }), damage);
  await page.waitForFunction((least) => globalThis.probe.counters() >= least, count, { timeout: 20 * SECONDS });
  return page.evaluate(() => globalThis.probe.stop());
}

export async function screenshot(page, name) {
  const folder = join(process.env.BUILD_DIR, 'tests/browser');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

// The page as it is: still the same connection?
export const mark = (page) => page.evaluate(() => { globalThis.marked = globalThis.qdmabuf.pc; });
export const unchanged = (page) => page.evaluate(() => globalThis.marked === globalThis.qdmabuf.pc && globalThis.marked?.connectionState === 'connected');

// Where a pixel of the guest is in the window: its middle.
export const placeOf = (page, x, y) => page.evaluate(([atX, atY]) => {
  const { box, guest } = globalThis.qdmabuf;
  return { x: box.left + (atX + 0.5) * box.width / guest.width, y: box.top + (atY + 0.5) * box.height / guest.height };
}, [x, y]);
