import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { PROJECT_DIR } from '../description.js';
import { CENTRAL_HEAP_MB, nodeOptionsOf } from './node-options.js';

interface Compose {
  readonly services: Readonly<Record<string, { readonly command?: readonly string[] }>>;
}

const text = readFileSync(path.join(PROJECT_DIR, 'compose.yaml'), 'utf8');
// The file is ours, and repeats many of its parts.
const compose = parse(text, { merge: true, maxAliasCount: -1 }) as Compose;

it.each(['central-api-1', 'central-api-2'])('%s has the same limit of its heap in containers as natively', (name) => {
  expect(nodeOptionsOf('central-api')).toContain(`--max-old-space-size=${CENTRAL_HEAP_MB}`);
  expect(compose.services[name]?.command?.[0]).toBe(`--max-old-space-size=${CENTRAL_HEAP_MB}`);
});
