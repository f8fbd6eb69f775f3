// SPDX-License-Identifier: MIT
// The parts of the page that reckon: the sender's clock, HTTP's headers, tokens, what is said to the user; and that
// every file of it is served.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';

import { Bar } from '../../examples/webrtc-sender/page/bar.js';
import { Clock } from '../../examples/webrtc-sender/page/clock.js';
import { noticeFor } from '../../examples/webrtc-sender/page/notice.js';
import { Vm } from '../../examples/webrtc-sender/page/protocol.js';
import { tokenOf } from '../../examples/webrtc-sender/page/token.js';
import { fragment, iceServers } from '../../examples/webrtc-sender/page/whep.js';

const page = new URL('../../examples/webrtc-sender/page/', import.meta.url);
const read = (name) => readFileSync(new URL(name, page), 'utf8');

test('the quickest pong sets the clock', () => {
  const clock = new Clock();

  assert.ok(Number.isNaN(clock.rtt) && Number.isNaN(clock.age(1, 2)));
  clock.heard(1000, 1010, 5_005_000);
  clock.heard(2000, 2002, 6_001_000);
  clock.heard(3000, 3100, 7_090_000);
  assert.equal(clock.rtt, 100);
  assert.equal(clock.offset, 4000);
  // Presented at 3,000 of the page is 7,000 of the sender.
  assert.ok(Math.abs(clock.age(6_980 * 90, 3000) - 20) < 0.02);
  clock.forget();
  assert.ok(Number.isNaN(clock.offset));
});

test('ages are right where timestamps begin anew', () => {
  const clock = new Clock();
  const wrapMs = 2 ** 32 / 90;

  clock.heard(0, 0, (wrapMs + 5) * 1000);
  assert.ok(Math.abs(clock.age(2 ** 32 - 900, 0) - 15) < 0.02);
  assert.ok(Math.abs(clock.age(0, 0) - 5) < 0.02);
});

test('servers for ICE come out of Link', () => {
  const link = '<stun:a:1>; rel="ice-server", <turn:b:2?transport=udp>; rel="ice-server"; username="u,1"; credential="c"; '
    + 'credential-type="password", <https://x>; rel="next"';

  assert.deepEqual(iceServers(link), [
    { urls: 'stun:a:1' }, { urls: 'turn:b:2?transport=udp', username: 'u,1', credential: 'c' }]);
  assert.deepEqual(iceServers(null), []);
});

test('candidates go out below their m-lines', () => {
  const sdp = ['v=0', 'm=video 9 UDP/TLS/RTP/SAVPF 102', 'a=ice-ufrag:abcd', 'a=ice-pwd:secret', 'a=mid:0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=ice-ufrag:abcd', 'a=ice-pwd:secret', 'a=mid:1', ''].join('\r\n');
  const candidates = [{ sdpMid: '1', candidate: 'candidate:2' }, { sdpMid: '0', candidate: 'candidate:1' }];

  assert.equal(fragment(sdp, candidates), ['a=ice-ufrag:abcd', 'a=ice-pwd:secret',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=mid:1', 'a=candidate:2',
    'm=video 9 UDP/TLS/RTP/SAVPF 102', 'a=mid:0', 'a=candidate:1', 'a=end-of-candidates', ''].join('\r\n'));
});

test('a token is taken in each form', () => {
  assert.equal(tokenOf('#token=abc'), 'abc');
  assert.equal(tokenOf('http://127.0.0.1:8080/#token=a-b_c'), 'a-b_c');
  assert.equal(tokenOf(' abc '), 'abc');
  assert.equal(tokenOf('#other=1'), null);
  assert.equal(tokenOf(''), null);
});

test('the most important thing is said, and nothing where all is well', () => {
  const well = { state: 'connected', text: '', inMs: NaN, vm: Vm.CONNECTED, guest: { width: 1, height: 1 }, hasPicture: true };

  assert.equal(noticeFor(well), null);
  assert.equal(noticeFor({ ...well, state: 'refused', vm: Vm.OFF }).form, true);
  assert.match(noticeFor({ ...well, state: 'waiting', text: 'Gone.', inMs: 3000 }).text, /^Gone\. Trying again in 3 s\.$/);
  assert.match(noticeFor({ ...well, vm: Vm.WAITING }).title, /is off/);
  assert.match(noticeFor({ ...well, vm: Vm.OFF }).title, /has ended/);
  assert.match(noticeFor({ ...well, hasPicture: false }).title, /first picture/);
  assert.match(noticeFor({ ...well, hasPicture: false, guest: { width: 0, height: 0 } }).title, /shows nothing/);
});

test('every file is served, and each one that another wants', () => {
  const served = new Set([...read('page.gresource.xml').matchAll(/<file>(.*)<\/file>/g)].map((match) => match[1]));
  const here = readdirSync(page).filter((name) => /\.(html|css|js|svg)$/.test(name));

  assert.deepEqual([...served].sort(), here.sort());
  for (const name of here) {
    const text = read(name);
    const wanted = name.endsWith('.html') ? /(?:href|src)="([^"]+)"/g : /from '\.\/([^']+)'/g;

    for (const [, other] of text.matchAll(wanted)) assert.ok(served.has(other), `${name} wants ${other}`);
    if (name.endsWith('.html')) assert.ok(!/<script>|<style|style=|\son\w+=/.test(text), 'nothing inline');
  }
});

// As much of a document as tabs need.
function fakeElement() {
  return {
    dataset: {}, children: [], hidden: false, addEventListener() {}, replaceChildren(...children) { this.children = children; },
  };
}

test('tabs follow the consoles, and lead away from one that is gone', () => {
  const elements = {};
  const bar = new Bar((id) => (elements[id] ??= fakeElement()), {});
  const labels = () => elements.tabs.children.map((tab) => tab.textContent);

  globalThis.document = { createElement: fakeElement };
  bar.showConsoles([{ index: 0, label: 'a' }], 0);
  assert.equal(elements.tabs.hidden, true);
  bar.showConsoles([{ index: 0, label: 'a' }, { index: 1, label: '<b>' }], 1);
  assert.deepEqual(labels(), ['a', '<b>']);
  assert.equal(elements.tabs.hidden, false);
  bar.showConsoles([{ index: 0, label: 'a' }], 1);
  assert.deepEqual(labels(), ['a']);
  assert.equal(elements.tabs.hidden, false);
  bar.showConsoles([{ index: 0, label: 'a' }], 0);
  assert.equal(elements.tabs.hidden, true);
  delete globalThis.document;
});
