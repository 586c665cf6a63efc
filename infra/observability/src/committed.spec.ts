import { readFileSync } from 'node:fs';
import path from 'node:path';
import { committed } from './committed.js';

it.each(committed())('$file is what the sources make: run "npm run observability"', ({ file, text }) => {
  expect(readFileSync(file, 'utf8')).toBe(text);
});

it('writes files of the repository', () => {
  expect(committed().map(({ file }) => path.basename(file))).toContain('alerts.yml');
});
