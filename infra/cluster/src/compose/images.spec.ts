import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PROJECT_DIR } from '../description.js';

const files = globSync('infra/docker/**/Dockerfile', { cwd: PROJECT_DIR });

it.each(files)('%s names a numeric user that is not root, which runAsNonRoot of Kubernetes requires', (file) => {
  const text = readFileSync(path.join(PROJECT_DIR, file), 'utf8');
  const [, user] = [...text.matchAll(/^(?:FROM|USER) (.+)$/gm)].at(-1) ?? [];
  expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
});
