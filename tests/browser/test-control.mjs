// SPDX-License-Identifier: MIT
// Several who watch: one has control, another takes it over, and who may only watch gets none.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './support/chromium.mjs';
import { Rig, frames, placeOf, says, screenshot, shows } from './support/rig.mjs';

const browser = await launch();
let rig = null;
let other = null;

before(async () => {
  rig = await Rig.open(browser, { vm: { append: 'mode=1280x720 fps=10' } });
  other = await rig.view();
});
after(async () => {
  await rig?.close();
  await browser.close();
});

test('the first one has control, the second one watches', async () => {
  await says(rig.page, { control: 'you' });
  await says(other, { control: 'another' });
  await Promise.all([frames(rig.page, 5), frames(other, 5)]);
  rig.vm.forget();
  await other.locator('#screen').focus();
  await other.keyboard.press('b');
  await other.mouse.move(400, 400);
  await rig.page.locator('#screen').focus();
  await rig.page.keyboard.press('a');
  await rig.vm.line(/^key 30 up$/);
  assert.deepEqual(rig.vm.lines.filter((line) => /^key 48|^pointer/.test(line)), []);
});

test('control is taken over, and what was held comes up', async () => {
  const { page, vm } = rig;
  await page.locator('#screen').focus();
  await page.keyboard.down('q');
  await vm.line(/^key 16 down$/);
  await other.locator('#take').click();
  await vm.line(/^key 16 up$/);
  await says(other, { control: 'you' });
  await says(page, { control: 'another' });
  await screenshot(page, 'control-lost');
  await page.keyboard.up('q');
  vm.forget();
  await page.keyboard.press('b');
  await other.locator('#screen').focus();
  await other.keyboard.down('a');
  await vm.line(/^key 30 down$/);
  await shows(page, { key: 30, down: true }); // who watches sees what the other does
  await other.keyboard.up('a');
  await vm.line(/^key 30 up$/);
  assert.ok(!vm.lines.includes('key 48 down'));
});

test('when the one with control leaves, the other one takes it with a click', async () => {
  const { page, vm } = rig;
  await other.context().close();
  await says(page, { control: 'nobody' });
  vm.forget();
  const at = await placeOf(page, 500, 300);
  await page.mouse.click(at.x, at.y);
  await says(page, { control: 'you' });
  await page.keyboard.press('a');
  await vm.line(/^key 30 up$/);
});

test('who has the token for watching only watches', async () => {
  const token = /#token=(\S+)/.exec(rig.sender.log)?.[1];
  assert.ok(token && token !== rig.sender.token);
  const watcher = await rig.view({ token });
  await says(watcher, { control: 'never' });
  assert.equal(await watcher.locator('#take').isVisible(), false);
  await screenshot(watcher, 'control-never');
  rig.vm.forget();
  await watcher.locator('#screen').focus();
  await watcher.keyboard.press('b');
  await rig.page.keyboard.press('a');
  await rig.vm.line(/^key 30 up$/);
  assert.deepEqual(rig.vm.lines, ['key 30 down', 'key 30 up']);
  await watcher.context().close();
});

test('a wrong token is refused, and the page says so', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${rig.sender.origin}/#token=${'x'.repeat(32)}`);
  await page.waitForFunction(() => globalThis.qdmabuf?.state === 'refused');
  assert.equal(await page.locator('#token-form').isVisible(), true);
  await page.locator('#token').fill(rig.sender.url); // the whole address will do
  await page.locator('#token-form button').click();
  await says(page, { state: 'connected' });
  await context.close();
});
