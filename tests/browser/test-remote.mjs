// SPDX-License-Identifier: MIT
// A viewer that is not on this machine's loopback: TLS with a certificate of the sender's own, a token, and ICE over the
// address that is listened at.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch } from './support/chromium.mjs';
import { Elsewhere } from './support/elsewhere.mjs';
import { Rig, frames, placeOf, playing, says, screenshot } from './support/rig.mjs';

const elsewhere = new Elsewhere();
if (!elsewhere.address) {
  console.log('skipped: no network namespace may be made, and this machine has no address but loopback');
  elsewhere.free();
  process.exit(77);
}
console.log(`the viewer is in ${elsewhere.where}`);

let browser = null;
let rig = null;

before(async () => {
  browser = await launch({ executablePath: elsewhere.chromium });
  rig = await Rig.open(browser, {
    vm: { append: 'mode=1280x720 fps=20' },
    args: ['--listen', `${elsewhere.address}:0`, '--tls-self-signed'],
    env: { XDG_DATA_HOME: elsewhere.folder },
    page: { ignoreHTTPSErrors: true },
  });
});
after(async () => {
  await rig?.close();
  await browser?.close();
  elsewhere.free();
});

test('the address is printed, and the fingerprint of a certificate that is kept', () => {
  const { sender } = rig;
  assert.match(sender.url, new RegExp(`^https://${elsewhere.address.replaceAll('.', '\\.')}:\\d+/#token=`));
  assert.match(sender.log, /([0-9A-F]{2}:){31}[0-9A-F]{2}/i);
  const folder = join(elsewhere.folder, 'qdmabuf-webrtc');
  assert.equal(statSync(folder).mode & 0o77, 0);
});

test('picture and input go over that address', async () => {
  const { page, vm } = rig;
  await frames(page, 10);
  const pair = await page.evaluate(async () => {
    const stats = await globalThis.qdmabuf.pc.getStats();
    const transport = [...stats.values()].find(({ type }) => type === 'transport');
    return stats.get(stats.get(transport.selectedCandidatePairId).remoteCandidateId).address;
  });
  assert.equal(pair, elsewhere.address);
  vm.forget();
  await page.locator('#screen').focus();
  await page.keyboard.press('a');
  await vm.line(/^key 30 up$/);
  const at = await placeOf(page, 1279, 719);
  await page.mouse.move(at.x, at.y);
  await vm.line(/^pointer abs 1279 719$/);
  await screenshot(page, 'remote');
  assert.deepEqual(page.complaints, []);
});

test('no other address is offered', async () => {
  const sdp = await rig.page.evaluate(() => globalThis.qdmabuf.pc.remoteDescription.sdp);
  const addresses = [...sdp.matchAll(/^a=candidate:\S+ \d \S+ \d+ (\S+) /gm)].map((match) => match[1]);
  assert.deepEqual([...new Set(addresses)], [elsewhere.address]);
});

test('nothing is told without the token', async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(rig.sender.origin);
  await page.waitForFunction(() => globalThis.qdmabuf?.state === 'refused');
  await page.locator('#token').fill(rig.sender.token);
  await page.locator('#token-form button').click();
  await says(page, { state: 'connected' });
  await context.close();
  await playing(rig.page);
});
