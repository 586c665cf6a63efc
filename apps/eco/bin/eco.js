#!/usr/bin/env node
// Plain JavaScript, committed, so that `npx eco` works on a clone that is not built yet.
const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '../../..');
if (!existsSync(path.join(root, 'node_modules'))) {
  console.error('eco: nothing is installed yet: run "npm ci" first');
  process.exit(1);
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 11)) {
  console.error(
    `eco needs Node 24.11 or newer, this is ${process.version}: start it by "npx eco", which brings its own.`,
  );
  process.exit(1);
}

const main = path.join(root, 'apps/eco/dist/main.js');
if (!existsSync(main)) {
  console.error('eco: building first …');
  const tsc = path.join(root, 'node_modules/@typescript/native/bin/tsc');
  const built = spawnSync(process.execPath, [tsc, '-b'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (built.status !== 0) process.exit(built.status ?? 1);
}
require(main);
