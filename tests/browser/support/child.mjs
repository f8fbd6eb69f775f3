// SPDX-License-Identifier: MIT
// A program that does not outlive the test, not even one that is killed.
import { spawn } from 'node:child_process';

export const spawnChild = (program, args, options) =>
  spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], options);
