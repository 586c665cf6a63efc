import { readFileSync } from 'node:fs';
import path from 'node:path';
import { roleLimits } from './roles.js';

it('are in docs/operations.md as they are declared', () => {
  const document = readFileSync(path.resolve(__dirname, '../../../../docs/operations.md'), 'utf8');
  const rows = [...document.matchAll(/^\| `(eco_\w+)` +\| (\d+) +\| (?:(\d+) s|no limit) +\|/gm)];
  const documented = rows.map(([, role = '', connections, transactionS]) => [
    role,
    { connections: Number(connections), ...(transactionS && { transactionS: Number(transactionS) }) },
  ]);
  expect(Object.fromEntries(documented)).toEqual(roleLimits);
});
