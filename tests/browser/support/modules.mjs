// SPDX-License-Identifier: MIT
// The npm packages of package.json, which the build installs beside itself and not in the source tree.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { BUILD_DIR } = process.env;
if (!BUILD_DIR)
  throw new Error('BUILD_DIR is not set');
const require = createRequire(join(BUILD_DIR, 'tests/browser/package.json'));

export const { chromium } = require('playwright-core');
export const datachannel = () => require('node-datachannel');
