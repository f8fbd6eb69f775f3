// SPDX-License-Identifier: MIT
// What changes under a page that is open: the size of the screen, the guest, QEMU, the sender.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { launch } from './support/chromium.mjs';
import { Rig, frames, mark, placeOf, playing, says, screenshot, unchanged } from './support/rig.mjs';

const browser = await launch();
after(() => browser.close());

const hasSize = (page, width, height) => page.waitForFunction(([wide, high]) => {
  const video = document.querySelector('video');
  return video.videoWidth === wide && video.videoHeight === high && globalThis.qdmabuf.guest.width === wide;
}, [width, height], { timeout: 15_000 });

async function hasPointer({ page, vm }, x, y) {
  vm.forget();
  const at = await placeOf(page, x, y);
  await page.mouse.move(at.x, at.y);
  await vm.line(new RegExp(`^pointer abs ${x} ${y}$`));
}

for (const gl of [false, true]) {
  describe(`gl=${gl ? 'on' : 'off'}`, () => {
    let rig = null;
    before(async () => { rig = await Rig.open(browser, { vm: { gl, append: 'mode=1280x720 fps=20' } }); });
    after(() => rig.close());

    test('the guest follows the window, and the connection stays', async () => {
      const { page, vm } = rig;
      await mark(page);
      await page.locator('#resize').click();
      const stage = await page.evaluate(() => { const { clientWidth, clientHeight } = document.querySelector('#stage'); return [clientWidth, clientHeight & ~1]; });
      await hasSize(page, ...stage);
      for (const [width, height] of [[1001, 700], [820, 1000]]) {
        await page.setViewportSize({ width, height });
        const high = await page.evaluate(() => document.querySelector('#stage').clientHeight & ~1);
        await hasSize(page, width & ~1, high);
        await vm.line(new RegExp(`^testcard: mode ${width & ~1}x${high}`));
        await frames(page, 3);
        await hasPointer(rig, (width & ~1) - 1, high - 1);
      }
      await screenshot(page, `resize-gl=${gl ? 'on' : 'off'}`);
      await page.locator('#resize').click();
      await page.setViewportSize({ width: 1280, height: 800 });
      assert.ok(await unchanged(page));
    });

    test('the guest reboots and changes its size, and the connection stays', async () => {
      const { page, vm } = rig;
      await mark(page);
      vm.forget();
      await vm.command('system_reset');
      await vm.line(/^testcard: ready/, 30);
      await frames(page, 5);
      assert.ok(await unchanged(page));
      await hasPointer(rig, 5, 5);
    });

    test('QEMU ends and comes back, and the picture with it', async () => {
      const { page, vm } = rig;
      await mark(page);
      await page.locator('#screen').focus();
      await page.keyboard.down('a');
      await vm.line(/^key 30 down$/);
      await vm.kill();
      await says(page, { vm: 'waiting' });
      await screenshot(page, `away-gl=${gl ? 'on' : 'off'}`);
      await page.keyboard.up('a');
      await vm.start();
      await says(page, { vm: 'connected', control: 'you' }, 20_000);
      await hasSize(page, 1280, 720);
      await frames(page, 5);
      assert.ok(await unchanged(page));
      await hasPointer(rig, 1279, 0);
      assert.ok(!vm.lines.some((line) => line.startsWith('key')), 'a key of before is down in the new guest');
    });
  });
}

describe('the sender', () => {
  let rig = null;
  before(async () => { rig = await Rig.open(browser, { vm: { append: 'mode=1280x720 fps=20' } }); });
  after(() => rig.close());

  test('it ends and comes back, and the page connects anew by itself', async () => {
    const { page, sender } = rig;
    const { port } = new URL(sender.url);
    const file = `${rig.vm.folder}/token`;
    writeFileSync(file, `${sender.token}\n`);
    assert.equal(await sender.stop(), 0);
    await page.waitForFunction(() => globalThis.qdmabuf.state === 'waiting');
    await screenshot(page, 'sender-away');
    sender.args = [rig.vm.address, '--listen', `127.0.0.1:${port}`, '--token', file];
    await sender.start();
    await says(page, { state: 'connected', vm: 'connected' }, 15_000);
    await playing(page);
    await frames(page, 5);
  });

  test('a page that is loaded again keeps its right', async () => {
    await rig.page.reload();
    await playing(rig.page);
    await says(rig.page, { control: 'you' });
    assert.equal(new URL(rig.page.url()).hash, '');
  });
});

describe('several consoles', () => {
  let rig = null;
  before(async () => { rig = await Rig.open(browser, { vm: { display: 'max_outputs=2', append: 'mode=1280x720 fps=10 heads=2' } }); });
  after(() => rig.close());

  test('each has a tab', async () => {
    const { page } = rig;
    const tabs = page.locator('#tabs button');
    await page.waitForFunction(() => document.querySelectorAll('#tabs button').length === 2);
    assert.equal(await tabs.nth(0).getAttribute('aria-selected'), 'true');
    await tabs.nth(1).click();
    await says(page, { state: 'connected' });
    assert.equal(await tabs.nth(1).getAttribute('aria-selected'), 'true');
    await page.waitForFunction(() => new URL(location.href).searchParams.get('console') === '1');
    await playing(page);
    await frames(page, 5);
    await screenshot(page, 'console-1');
    await tabs.nth(0).click();
    await says(page, { state: 'connected' });
    await playing(page);
    await frames(page, 5);
  });
});
