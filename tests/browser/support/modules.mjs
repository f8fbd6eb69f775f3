// SPDX-License-Identifier: MIT
// What the build made, and the npm packages of package.json, which it installs beside itself and not in the source tree.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { BUILD_DIR } = process.env;
if (!BUILD_DIR)
  throw new Error('BUILD_DIR is not set');
const built = {
  QDMABUF_WEBRTC: 'examples/webrtc-sender/qdmabuf-webrtc', SOFTUDMABUF: 'softudmabuf.so', TESTCARD_ELF: 'tools/testcard/testcard.elf',
  WEBRTC_FLOOR: 'tests/webrtc-floor',
};
for (const [name, path] of Object.entries(built))
  process.env[name] ??= join(BUILD_DIR, path);
const require = createRequire(join(BUILD_DIR, 'tests/browser/package.json'));

export const { chromium } = require('playwright-core');
export const datachannel = () => require('node-datachannel');
