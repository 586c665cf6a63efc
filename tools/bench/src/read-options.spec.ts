import { readOptions, type OptionTexts } from './read-options.js';

const texts: OptionTexts = {
  seconds: '10',
  warmUp: '0',
  rounds: '3',
  callers: '64,256',
  orders: '50000',
  pools: '8',
  batchLimit: '1000',
  parts: 'drain,mixed',
  sides: 'ours',
};

it('reads lists in their own order, and parts in that of the measurement', () => {
  expect(readOptions({ ...texts, callers: '256,64' }, [])).toMatchObject({
    seconds: 10,
    warmUpSeconds: 0,
    callers: [256, 64],
    pools: [8],
    parts: ['mixed', 'drain'],
    sides: ['ours'],
  });
});

it('names every violation', () => {
  const bad = { ...texts, seconds: '0', callers: '64,', parts: 'mixed,cold' };
  const violations: string[] = [];
  readOptions(bad, violations);
  expect(violations.join('; ')).toMatch(
    /--parts may name .*, not cold; --seconds must be .*; each of --callers must be/,
  );
});
