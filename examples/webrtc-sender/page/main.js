// SPDX-License-Identifier: MIT
// Ties the page together: what happens in it, what the sender says, and what is shown of both.

import { Bar } from './bar.js';
import { Connection } from './connection.js';
import { Cursor } from './cursor.js';
import * as geometry from './geometry.js';
import { Keyboard } from './keyboard.js';
import { Notice, noticeFor } from './notice.js';
import { Pointer } from './pointer.js';
import * as protocol from './protocol.js';
import { Statistics } from './statistics.js';
import { loadToken, saveToken, tokenOf } from './token.js';
import { request } from './whep.js';

const RESIZE_PAUSE_MS = 250;
const CONSOLES_MS = 10000;
const HINT_MS = 4000;

const part = (id) => document.getElementById(id);
const stage = part('stage');
const screen = part('screen');
const video = part('video');
const rawMotion = 'onpointerrawupdate' in window;

let token = loadToken();
let consoleIndex = Number(new URLSearchParams(location.search).get('console') ?? 0) || 0;
let connection = null;
let link = { state: 'connecting', text: '', inMs: NaN };
let vm = protocol.Vm.CONNECTED;
let control = { mayControl: false, state: protocol.Control.NOBODY, holder: 0, seats: 0, known: false };
let hasPicture = false;
let box = { left: 0, top: 0, width: 0, height: 0 };
let pointerAt = null; // in the window, while it is over the screen
let resizeWanted = localStorage.getItem('qdmabuf-webrtc-resize') === '1';
// QEMU offers fingers whether or not the guest has a device for them; a mouse it always has.
let fingersWanted = localStorage.getItem('qdmabuf-webrtc-fingers') === '1';
let hintTimer = 0;
const guest = { width: 0, height: 0, absolute: true, touchSlots: 0 };

const hasControl = () => control.state === protocol.Control.YOU;
const isLocked = () => document.pointerLockElement === screen;
const send = (message) => connection?.send(message) ?? false;
const sendInput = (message) => hasControl() && send(message);

const keyboard = new Keyboard(sendInput, navigator.userAgentData?.platform ?? navigator.platform);
const pointer = new Pointer(
  sendInput, (message) => !hasControl() || connection.sendMotion(message),
  () => ({ box, guest, absolute: guest.absolute, touchSlots: fingersWanted ? guest.touchSlots : 0 }),
  () => keyboard.keepHeld(), rawMotion ? 'pointerrawupdate' : 'pointermove');
const cursor = new Cursor(screen, part('pointer'));
const notice = new Notice(stage, part);
const statistics = new Statistics(() => connection);
const bar = new Bar(part, {
  back: () => screen.focus({ preventScroll: true }),
  take: () => { send(protocol.take()); screen.focus(); },
  ctrlAltDel: () => { keyboard.chord(['ControlLeft', 'AltLeft', 'Delete']); screen.focus(); },
  type: (text) => { protocol.text(text).forEach(sendInput); screen.focus(); },
  resize: (wanted) => { resizeWanted = wanted; localStorage.setItem('qdmabuf-webrtc-resize', wanted ? '1' : '0'); wishSize(); },
  fingers: (wanted) => { release(); fingersWanted = wanted; localStorage.setItem('qdmabuf-webrtc-fingers', wanted ? '1' : '0'); show(); },
  full: () => toggleFullScreen().catch(() => hint('The browser does not allow full screen here.')),
  console: (index) => { if (index !== consoleIndex) openConsole(index); screen.focus(); },
});

keyboard.others = () => pointer.held;

// ---- what is shown ----

function show() {
  const said = noticeFor({ ...link, vm, guest, hasPicture });

  notice.show(said);
  bar.showControl(control, link.state === 'connected');
  bar.showResize(resizeWanted);
  bar.showFingers(guest.touchSlots > 0 && navigator.maxTouchPoints > 0, fingersWanted);
  layOut();
}

function layOut() {
  const size = { width: stage.clientWidth, height: stage.clientHeight };
  const picture = { width: video.videoWidth || guest.width, height: video.videoHeight || guest.height };
  const inside = geometry.place(size, picture, devicePixelRatio);
  const from = stage.getBoundingClientRect();

  Object.assign(video.style, {
    left: `${inside.left}px`, top: `${inside.top}px`, width: `${inside.width}px`, height: `${inside.height}px`,
  });
  box = { ...inside, left: inside.left + from.left, top: inside.top + from.top };
  showCursor();
}

function showCursor() {
  const from = stage.getBoundingClientRect();
  const within = (point) => point && { x: point.x - from.left, y: point.y - from.top };

  cursor.show({
    own: hasControl() && guest.absolute, guest, ratio: devicePixelRatio, pointer: within(pointerAt),
    box: { ...box, left: box.left - from.left, top: box.top - from.top },
  });
}

function hint(text) {
  const shown = part('hint');

  clearTimeout(hintTimer);
  shown.textContent = text;
  shown.hidden = text === '';
  if (text) hintTimer = setTimeout(() => { shown.hidden = true; }, HINT_MS);
}

// ---- what the sender says ----

const said = {
  hello: ({ mayControl, number }) => {
    control = { ...control, mayControl, number, known: true };
    pointer.begin();
    keyboard.release();
  },
  'cursor-band': (band) => cursor.addBand(band),
  'cursor-place': ({ visible, x, y }) => { cursor.visible = visible; cursor.at = { x, y }; },
  leds: (leds) => bar.showLamps(leds),
  pointer: ({ absolute, touchSlots }) => {
    Object.assign(guest, { absolute, touchSlots });
    if (absolute && isLocked()) document.exitPointerLock();
  },
  size: ({ width, height }) => Object.assign(guest, { width, height }),
  control: ({ state, holder, seats }) => onControl(state, holder, seats),
  vm: ({ state }) => onVm(state),
};

function onMessage(message) {
  said[message.kind]?.(message);
  if (message.kind.startsWith('cursor')) showCursor();
  else if (message.kind !== 'pong') show();
}

function onControl(state, holder, seats) {
  const had = hasControl();

  control = { ...control, state, holder, seats };
  if (had === hasControl()) return;
  pointer.forget();
  if (hasControl()) {
    wishSize();
    screen.focus({ preventScroll: true });
  } else if (isLocked()) document.exitPointerLock();
}

function onVm(state) {
  if (state !== vm && state === protocol.Vm.CONNECTED) refreshConsoles();
  vm = state;
}

// ---- the connection ----

function openConsole(index) {
  const address = new URL(location.href);

  release();
  connection?.stop();
  consoleIndex = index;
  address.searchParams.set('console', index);
  history.replaceState(history.state, '', address);
  connection = new Connection(token, index);
  connection.addEventListener('state', (event) => onState(event.detail));
  connection.addEventListener('message', (event) => onMessage(event.detail));
  connection.addEventListener('track', (event) => onTrack(event.detail));
  forgetGuest();
  hasPicture = false;
  connection.start();
  bar.select(index);
}

function forgetGuest() {
  control = { mayControl: false, state: protocol.Control.NOBODY, holder: 0, seats: 0, known: false };
  cursor.forget();
  statistics.forget();
  bar.showLamps({});
}

function onState(state) {
  link = state;
  if (state.state !== 'connected') {
    forgetGuest();
    pointer.forget();
    if (isLocked()) document.exitPointerLock();
  }
  if (knowsConsoles()) refreshConsoles();
  show();
}

function onTrack(track) {
  video.srcObject = new MediaStream([track]);
  video.play().catch(() => {});
}

// Whoever waits may wait for a console that is gone, while the others are still there.
const knowsConsoles = () => link.state === 'connected' || link.state === 'waiting';

async function refreshConsoles() {
  try {
    const response = await request('consoles', {}, token);

    bar.showConsoles(await response.json(), consoleIndex);
  } catch {
    // The connection says what is wrong.
  }
}

// ---- what happens in the page ----

function release() {
  if (hasControl()) keyboard.release();
  pointer.forget();
}

const wishSize = (() => {
  let timer = 0;

  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const wish = geometry.wish({ width: stage.clientWidth, height: stage.clientHeight }, devicePixelRatio);

      if (resizeWanted) sendInput(protocol.resize(wish.width, wish.height, wish.widthMm, wish.heightMm));
    }, RESIZE_PAUSE_MS);
  };
})();

async function toggleFullScreen() {
  if (document.fullscreenElement) {
    await document.exitFullscreen();
    return;
  }
  await document.documentElement.requestFullscreen({ navigationUI: 'hide' });
  await navigator.keyboard?.lock?.().catch(() => {});
  screen.focus();
}

async function lockPointer() {
  try {
    await screen.requestPointerLock({ unadjustedMovement: true });
  } catch (error) {
    if (error.name !== 'NotSupportedError') throw error;
    await screen.requestPointerLock();
  }
}

function onKey(event, act) {
  if (event.ctrlKey && event.altKey && event.code === 'KeyM') {
    if (event.type === 'keydown') leaveScreen();
    event.preventDefault();
    return;
  }
  if (hasControl() && act(event)) event.preventDefault();
}

function leaveScreen() {
  release();
  if (isLocked()) document.exitPointerLock();
  bar.focus();
}

function onPointer(event) {
  pointerAt = event.pointerType === 'mouse' && event.type !== 'pointerleave' ? { x: event.clientX, y: event.clientY } : null;
  if (event.type === 'pointerdown') onPress(event);
  if (hasControl() && event.type !== 'pointerleave') pointer.handle(event, isLocked());
  if (!part('pointer').hidden) showCursor();
}

function onPress(event) {
  screen.focus({ preventScroll: true });
  if (control.state === protocol.Control.NOBODY && control.mayControl) send(protocol.take());
  if (!hasControl()) return;
  if (guest.absolute || event.pointerType === 'touch') screen.setPointerCapture(event.pointerId);
  else if (!isLocked()) lockPointer().catch(() => hint('The browser does not lend its pointer just now. Click again.'));
}

function watchPage() {
  const quiet = (event) => event.preventDefault();
  const moves = ['pointerdown', 'pointerup', 'pointermove', 'pointercancel', 'pointerleave'];

  screen.addEventListener('keydown', (event) => onKey(event, (e) => keyboard.press(e)));
  screen.addEventListener('keyup', (event) => onKey(event, (e) => keyboard.lift(e)));
  for (const type of rawMotion ? [...moves, 'pointerrawupdate'] : moves) screen.addEventListener(type, onPointer);
  for (const type of ['contextmenu', 'mousedown', 'mouseup', 'auxclick', 'dragstart']) screen.addEventListener(type, quiet);
  screen.addEventListener('wheel', (event) => {
    event.preventDefault();
    if (hasControl()) pointer.turn(event);
  }, { passive: false });
  screen.addEventListener('blur', release);
  window.addEventListener('blur', release);
  document.addEventListener('visibilitychange', () => document.hidden && release());
  document.addEventListener('pointerlockchange', () => hint(isLocked() ? 'Esc gives the pointer back' : ''));
  document.addEventListener('fullscreenchange', onFullScreen);
}

function onFullScreen() {
  const full = document.fullscreenElement !== null;

  if (!full) navigator.keyboard?.unlock?.();
  bar.showFull(full);
  if (full) hint(navigator.keyboard?.lock ? 'Hold Esc to leave full screen' : 'Esc leaves full screen');
}

function watchLife() {
  window.addEventListener('pagehide', () => { release(); connection?.stop(); });
  window.addEventListener('pageshow', (event) => event.persisted && connection?.start());
  window.addEventListener('online', () => link.state === 'waiting' && connection?.start());
  window.addEventListener('hashchange', () => { token = loadToken(); openConsole(consoleIndex); });
  part('token-form').addEventListener('submit', (event) => {
    event.preventDefault();
    token = tokenOf(part('token').value) ?? '';
    saveToken(token);
    part('token').value = '';
    openConsole(consoleIndex);
  });
  setInterval(() => { if (!document.hidden && knowsConsoles()) refreshConsoles(); }, CONSOLES_MS);
}

function watchScreen() {
  new ResizeObserver(() => { layOut(); wishSize(); }).observe(stage);
  video.addEventListener('resize', () => { hasPicture = video.videoWidth > 0; show(); });
  video.addEventListener('loadeddata', () => { hasPicture = true; show(); });
  video.addEventListener('emptied', () => { hasPicture = false; show(); });
  statistics.watch(video);
  statistics.run(() => token, () => consoleIndex, () => bar.figuresWanted, (rows) => bar.showFigures(rows));
}

// ---- for extensions, and for tests ----

const CONTROL_NAMES = ['nobody', 'you', 'another'];
const VM_NAMES = ['connected', 'waiting', 'off'];

Object.defineProperty(window, 'qdmabuf', {
  value: Object.freeze({
    get pc() { return connection?.pc ?? null; },
    get state() { return link.state; },
    get vm() { return VM_NAMES[vm]; },
    get control() { return control.known && !control.mayControl ? 'never' : CONTROL_NAMES[control.state]; },
    get guest() { return { ...guest }; },
    get box() { return { ...box }; },
    get frame() { return statistics.frame; },
    get stats() { return { ...statistics.figures }; },
  }),
});

watchPage();
watchLife();
watchScreen();
screen.focus({ preventScroll: true });
openConsole(consoleIndex);
