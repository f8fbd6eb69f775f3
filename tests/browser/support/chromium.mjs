// SPDX-License-Identifier: MIT
// Debian's Chromium, headless, as a user's browser: no permission is given and no safety is turned off, but for the
// sandbox where it cannot be had.
import { readFileSync } from 'node:fs';
import { chromium } from './modules.mjs';

const PROBE = readFileSync(new URL('probe.js', import.meta.url), 'utf8');
const FLAGS = [
  '--autoplay-policy=no-user-gesture-required', '--disable-background-networking', '--disable-component-update',
  '--disable-gpu', '--disable-quic', '--disable-sync', '--mute-audio', '--no-first-run',
];

export async function launch({ flags = [], executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium' } = {}) {
  return chromium.launch({
    executablePath,
    chromiumSandbox: process.getuid() !== 0,
    args: [...FLAGS, ...flags],
  });
}

// A page with the probe in it. What the page complains of is kept in page.complaints, and every address that it asks for
// in page.requests.
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  await context.addInitScript(PROBE);
  const page = await context.newPage();
  page.complaints = [];
  page.requests = [];
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error')
      page.complaints.push(message.text());
  });
  page.on('request', (request) => page.requests.push(request.url()));
  return page;
}

// What to add to a time of the page (ms, of performance.now) for CLOCK_MONOTONIC in µs, and how far it can be off: by the
// fastest of many questions, each of which lies between two readings of our own clock.
export async function clockOffset(page, questions = 60) {
  let best = { width: Infinity };
  for (let i = 0; i < questions; i++) {
    const before = Number(process.hrtime.bigint() / 1000n);
    const now = await page.evaluate(() => performance.now());
    const after = Number(process.hrtime.bigint() / 1000n);
    if (after - before < best.width)
      best = { width: after - before, offset: (before + after) / 2 - 1000 * now };
  }
  return { offset: best.offset, error: best.width / 2 };
}
