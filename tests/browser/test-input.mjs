// SPDX-License-Identifier: MIT
// Keyboard and pointer of the page reach the guest, each where and how it was meant; and nothing stays held.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch } from './support/chromium.mjs';
import { Rig, placeOf, says, shows } from './support/rig.mjs';

const browser = await launch();
after(() => browser.close());

// Each line that the guest says of it, in this order and with none between them of the same kind.
async function hears(vm, pattern, wanted) {
  await vm.line(wanted.at(-1));
  const said = vm.lines.filter((line) => pattern.test(line));
  assert.equal(said.length, wanted.length, said.join(' | '));
  wanted.forEach((one, i) => assert.match(said[i], one));
}

for (const gl of [false, true]) {
  describe(`gl=${gl ? 'on' : 'off'}`, () => {
    let rig = null;
    before(async () => { rig = await Rig.open(browser, { vm: { gl, append: 'mode=1280x720 fps=0' } }); });
    after(() => rig.close());

    test('a key goes down and up, and its block is seen', async () => {
      const { page, vm } = rig;
      vm.forget();
      await page.keyboard.down('a');
      await vm.line(/^key 30 down$/);
      await shows(page, { key: 30, down: true });
      await page.keyboard.up('a');
      await vm.line(/^key 30 up$/);
      await shows(page, { key: 30, down: false });
    });

    test('the pointer is where the mouse is, to the pixel, in every corner', async () => {
      const { page, vm } = rig;
      for (const [x, y] of [[0, 0], [1279, 0], [0, 719], [1279, 719], [640, 360]]) {
        vm.forget();
        const at = await placeOf(page, x, y);
        await page.mouse.move(at.x, at.y);
        await vm.line(new RegExp(`^pointer abs ${x} ${y}$`));
      }
    });
  });
}

describe('a guest with a tablet', () => {
  let rig = null;
  before(async () => { rig = await Rig.open(browser, { vm: { append: 'mode=1280x720 fps=0' } }); });
  after(() => rig.close());

  test('keys with a prefix, and a chord', async () => {
    const { page, vm } = rig;
    vm.forget();
    await page.keyboard.press('ArrowUp');
    await hears(vm, /^key/, [/^key 200 down$/, /^key 200 up$/]);
    vm.forget();
    await page.locator('#cad').click();
    await hears(vm, /^key/, [/^key 29 down$/, /^key 56 down$/, /^key 211 down$/, /^key 211 up$/, /^key 56 up$/, /^key 29 up$/]);
  });

  test('text is typed', async () => {
    const { page, vm } = rig;
    vm.forget();
    await page.locator('#type').click();
    await page.locator('#type-text').fill('aB');
    await page.locator('#type-dialog button.primary').click();
    await hears(vm, /^key/, [/^key 30 down$/, /^key 30 up$/, /^key 42 down$/, /^key 48 down$/, /^key 48 up$/, /^key 42 up$/]);
  });

  test('buttons, those at the side too, and the wheel', async () => {
    const { page, vm } = rig;
    const at = await placeOf(page, 700, 300);
    const client = await page.context().newCDPSession(page);
    await page.mouse.move(at.x, at.y);
    await vm.line(/^pointer abs 700 300$/);
    const names = { left: 'left', middle: 'middle', right: 'right', back: 'side', forward: 'extra' };
    const bits = { left: 1, right: 2, middle: 4, back: 8, forward: 16 };
    for (const [button, name] of Object.entries(names)) {
      vm.forget();
      await client.send('Input.dispatchMouseEvent', { type: 'mousePressed', x: at.x, y: at.y, button, buttons: bits[button], clickCount: 1 });
      await vm.line(new RegExp(`^button ${name} down$`));
      await client.send('Input.dispatchMouseEvent', { type: 'mouseReleased', x: at.x, y: at.y, button, buttons: 0, clickCount: 1 });
      await hears(vm, /^button/, [new RegExp(`^button ${name} down$`), new RegExp(`^button ${name} up$`)]);
    }
    vm.forget();
    await page.mouse.wheel(0, 100);
    await vm.line(/^wheel down$/);
    await page.mouse.wheel(0, -100);
    await vm.line(/^wheel up$/);
    assert.equal(page.url().startsWith(rig.sender.origin), true); // the side button is no way back
  });

  test('the pointer is exact where the picture is scaled', async () => {
    const { page, vm } = rig;
    await page.setViewportSize({ width: 900, height: 640 });
    await page.waitForFunction(() => globalThis.qdmabuf.box.width <= 900);
    for (const [x, y] of [[0, 0], [1279, 0], [0, 719], [1279, 719]]) {
      vm.forget();
      const at = await placeOf(page, x, y);
      await page.mouse.move(at.x, at.y);
      await vm.line(new RegExp(`^pointer abs ${x} ${y}$`));
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  test('a key comes up when the page loses the focus', async () => {
    const { page, vm } = rig;
    await page.locator('#screen').focus();
    for (const lose of [() => page.locator('#figures').focus(), () => page.evaluate(() => dispatchEvent(new Event('blur')))]) {
      vm.forget();
      await page.locator('#screen').focus();
      await page.keyboard.down('s');
      await vm.line(/^key 31 down$/);
      await lose();
      await vm.line(/^key 31 up$/);
      await page.keyboard.up('s');
    }
  });

  test('a key that is held stays down as long as it is', async () => {
    const { page, vm } = rig;
    vm.forget();
    await page.locator('#screen').focus();
    await page.keyboard.down('d');
    await vm.line(/^key 32 down$/);
    await page.waitForTimeout(3000); // longer than the silence after which the sender lets go
    assert.ok(!vm.lines.includes('key 32 up'));
    await page.keyboard.up('d');
    await vm.line(/^key 32 up$/);
  });

  test('keys and buttons come up when the page is closed or crashes', async () => {
    const { vm } = rig;
    const hold = async (page) => {
      vm.forget();
      const at = await placeOf(page, 100, 600);
      await page.locator('#screen').focus();
      await page.keyboard.down('f');
      await vm.line(/^key 33 down$/);
      await page.mouse.move(at.x, at.y);
      await page.mouse.down();
      await vm.line(/^button left down$/);
    };
    for (const end of ['close', 'crash']) {
      await hold(rig.page);
      if (end === 'close')
        await rig.page.close();
      else
        await rig.page.goto('chrome://crash').catch(() => {});
      await vm.line(/^key 33 up$/);
      await vm.line(/^button left up$/);
      rig.page = await rig.view();
      if (await rig.page.evaluate(() => globalThis.qdmabuf.control !== 'you'))
        await rig.page.locator('#take').click();
      await says(rig.page, { control: 'you' });
    }
  });
});

describe('a guest with a mouse', () => {
  let rig = null;
  before(async () => { rig = await Rig.open(browser, { vm: { append: 'mode=1280x720 fps=0', devices: ['virtio-mouse-pci'] } }); });
  after(() => rig.close());

  test('a click lends it the pointer, and it gets motion, wherever the browser would stop it', async () => {
    const { page, vm } = rig;
    await page.waitForFunction(() => !globalThis.qdmabuf.guest.absolute);
    await page.mouse.move(600, 400);
    await page.mouse.down();
    await page.mouse.up();
    await page.waitForFunction(() => document.pointerLockElement !== null);
    vm.forget();
    await page.mouse.move(612, 395);
    await vm.line(/^pointer rel 12 -5 at/);
    await page.mouse.down({ button: 'right' });
    await vm.line(/^button right down$/);
    await page.mouse.up({ button: 'right' });
    await vm.line(/^button right up$/);
  });
});
