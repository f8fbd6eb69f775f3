// SPDX-License-Identifier: MIT
// Percentiles, and what processes cost.
import { readFileSync, readdirSync } from 'node:fs';

// Values may be Infinity: what never came counts as the longest.
export function percentile(values, p) {
  if (values.length === 0)
    return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p / 100 * sorted.length))];
}

export const summary = (values) => ({
  n: values.length, p50: percentile(values, 50), p95: percentile(values, 95), p99: percentile(values, 99),
});

export const ms = (value) => (Number.isFinite(value) ? value.toFixed(1) : String(value));

const TICK_MS = 10; // of /proc/PID/stat: USER_HZ is 100 on every architecture that Debian has

function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), cpuMs: TICK_MS * (Number(fields[11]) + Number(fields[12])) };
  } catch {
    return null; // it ended meanwhile
  }
}

// CPU time of a process and all its children that live, in ms.
export function cpuOfTree(root) {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid: Number(pid), ...statOf(pid) })).filter(({ parent }) => parent !== undefined);
  let sum = 0;
  for (let tree = [root]; tree.length > 0;) {
    const pid = tree.pop();
    sum += all.find((process) => process.pid === pid)?.cpuMs ?? 0;
    tree.push(...all.filter(({ parent }) => parent === pid).map((process) => process.pid));
  }
  return sum;
}

export const readLog = (path) => readFileSync(path, 'utf8').split('\n').filter((line) => line.endsWith('}'))
  .map((line) => JSON.parse(line));

// From capture to presented, in ms, of each frame that was coded for new damage within [begin, end] (µs of
// CLOCK_MONOTONIC): Infinity for one that was never seen. seen: what the probe noted.
export function latencies(log, seen, offset, begin, end) {
  const byRtp = new Map(seen.map((frame) => [frame.rtp, frame]));
  return log.filter(({ why, capture_us: at }) => why === 'damage' && at >= begin && at <= end).map((line) => {
    const frame = byRtp.get(line.rtp);
    return frame ? (1000 * frame.presented + offset - line.capture_us) / 1000 : Infinity;
  });
}
