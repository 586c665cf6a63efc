import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bucketOf } from '@eco/routing';
import { seededRandom, unicodeKey } from '@eco/testing';
import { UsageCommand } from '@eco/cluster';
import { CommanderError } from 'commander';
import { registerShards } from './shards.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'eco-shards-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

interface Run {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command as `eco` does, and captures output and exit code. */
async function eco(...args: readonly string[]): Promise<Run> {
  let out = '';
  let err = '';
  const program = new UsageCommand()
    .exitOverride()
    .configureOutput({ writeOut: (text) => (out += text), writeErr: (text) => (err += text) });
  registerShards(program);
  try {
    await program.parseAsync(['shards', ...args], { from: 'user' });
    return { exitCode: 0, out, err };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { exitCode: error.exitCode, out, err };
  }
}

interface Places {
  keys: number;
  degreesOfFreedom: number;
  p: number;
  places: { keys: number; ideal: number }[];
}

async function spreadOf(...args: readonly string[]): Promise<{ keys: number; buckets: Places; groups: Places }> {
  const { out, err, exitCode } = await eco('spread', '--json', ...args);
  expect({ err, exitCode }).toEqual({ err: '', exitCode: 0 });
  return JSON.parse(out) as { keys: number; buckets: Places; groups: Places };
}

describe('eco shards spread', () => {
  it('counts every key of a file, wherever the read chunks are split', async () => {
    // More than one chunk of 256 KiB, with characters of one to four bytes at the splits.
    const random = seededRandom('shards spread');
    const keys = Array.from({ length: 12_000 }, () => unicodeKey(random).replaceAll(/[\r\n]/g, 'n'));
    const expected = new Array<number>(64).fill(0);
    for (const key of keys) expected[bucketOf(key, 64)]! += 1;

    for (const [name, content] of [
      ['unix.txt', keys.join('\n') + '\n'],
      ['windows.txt', '\ufeff' + keys.join('\r\n')],
    ] as const) {
      const file = fileOf(name, content);
      const spread = await spreadOf('--keys', file, '--buckets', '64', '--groups', '3');
      expect(spread.keys).toBe(keys.length);
      expect(spread.buckets.places.map((place) => place.keys)).toEqual(expected);
      expect(spread.groups.places.map((place) => place.ideal)).toEqual([22, 21, 21].map((n) => (keys.length * n) / 64));
      expect(spread.buckets.degreesOfFreedom).toBe(63);
      expect(spread.groups.degreesOfFreedom).toBe(2);
    }
  });

  it('uses the given number of random keys', async () => {
    const spread = await spreadOf('--random', '25001');
    expect(spread.keys).toBe(25_001);
    expect(spread.buckets.places.reduce((sum, place) => sum + place.keys, 0)).toBe(25_001);
    expect(spread.groups.places.map((place) => place.keys)).toEqual([25_001]);
  });

  it('shows a table of buckets and groups with bars and chi-square', async () => {
    const same = fileOf('same.txt', 'customer-1\n'.repeat(900) + 'customer-2\n'.repeat(100));
    const { out, err, exitCode } = await eco('spread', '--keys', same, '--groups', '3');
    expect({ err, exitCode }).toEqual({ err: '', exitCode: 0 });
    const bucket = String(bucketOf('customer-1', 16));
    const cellsOfRows = out.split('\n').map((line) => line.split('│').map((cell) => cell.trim()));
    expect(cellsOfRows.find((cells) => cells[1] === bucket)).toEqual([
      '',
      bucket,
      'g1',
      '900',
      '90.00',
      '62.5',
      '+1340.0 %',
      '█'.repeat(24),
      '',
    ]);
    expect(out).toMatch(/chi-square 12120\.00, 15 degrees of freedom, p \d.*: uneven: hardly by chance/);
    expect(out).toContain(
      '16 buckets do not divide evenly: some groups own 6, others 5; 6 is 12.5 % over an even share',
    );
  });

  it('reports too few keys, and a single group', async () => {
    const { out } = await eco('spread', '--keys', fileOf('few.txt', 'a\n\nb\n'));
    expect(out).toContain('2 keys');
    expect(out).toContain('too few keys to judge');
    expect(out).toContain('chi-square: none, one group has everything');
  });
});

describe('eco shards compare', () => {
  it('counts moved keys for each router', async () => {
    const { out } = await eco('compare', '--add', '1', '--random', '20000', '--json');
    const result = JSON.parse(out) as { methods: { method: string; movedPercent: number }[] } & Record<string, unknown>;
    expect(result).toMatchObject({ keys: 20_000, groupsBefore: 4, groupsAfter: 5, buckets: 16, idealMovedPercent: 20 });
    const moved = Object.fromEntries(result.methods.map(({ method, movedPercent }) => [method, movedPercent]));
    expect(moved['modulo']).toBeGreaterThan(75);
    expect(moved['ring']).toBeLessThan(30);
    expect(moved['buckets']).toBeLessThan(22);
  });

  it('shows them in a table', async () => {
    const { out, err } = await eco('compare', '--add', '2', '--keys', fileOf('two.txt', 'a\nb\n'), '--groups', '1');
    expect(err).toBe('');
    expect(out).toMatch(/^2 keys \(.*two\.txt\), 16 buckets, 1 → 3 groups\n/);
    for (const method of ['MD5 modulo groups', 'ring, 150 virtual nodes a group', 'buckets placed on groups (ours)']) {
      expect(out).toContain(method);
    }
    expect(out).toContain('66.7');
  });
});

describe('bad input', () => {
  it.each([
    ['no keys said', ['spread'], 'say which keys: --keys <file>, or --random <n>'],
    ['both kinds of keys', ['spread', '--keys', 'x', '--random', '1'], 'give either --keys or --random, not both'],
    ['none', ['spread', '--random', '0'], '--random must be a whole number from 1 to 10,000,000, not "0"'],
    ['too many', ['spread', '--random', '10000001'], '--random must be a whole number from 1 to 10,000,000'],
    ['no number', ['spread', '--random', '1e6'], '--random must be a whole number from 1 to 10,000,000, not "1e6"'],
    ['no power of two', ['spread', '--random', '9', '--buckets', '12'], '--buckets must be a power of two'],
    [
      'too few buckets',
      ['spread', '--random', '9', '--groups', '17'],
      '17 groups need at least as many buckets, not 16',
    ],
    ['nothing to add', ['compare'], 'say how many groups to add: --add <n>'],
    ['too many to add', ['compare', '--add', '13'], '17 groups need at least as many buckets, not 16'],
    [
      'three faults',
      ['compare', '--add', '-1', '--groups', 'x', '--random', ''],
      /--add must.*--groups must.*--random must/,
    ],
  ])('%s ends in one line and exit code 2', async (_, args, message) => {
    const { exitCode, out, err } = await eco(...args);
    expect(err).toMatch(/^error: [^\n]+\n$/);
    expect(err).toMatch(message);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
  });

  it.each([
    ['missing.txt', undefined, 'there is no file'],
    ['.', undefined, 'is a folder'],
    ['empty.txt', '', 'there are no keys in'],
    ['blank.txt', '\n\r\n\n', 'there are no keys in'],
    ['latin1.txt', new Uint8Array([0x61, 0x0a, 0xf1, 0x61]), 'is not UTF-8 text'],
    ['cut.txt', new Uint8Array([0x61, 0x0a, 0xf0, 0x9f]), 'is not UTF-8 text'],
    ['long.txt', `a\n${'x'.repeat(5000)}\n`, /line 2 of .* is longer than 4096 characters: give one key a line/],
    ['endless.txt', 'x'.repeat(5000), 'line 1 of'],
  ])('a file like %s ends in one line and exit code 2', async (name, content, message) => {
    const file = content === undefined ? path.join(folder, name) : fileOf(name, content);
    const { exitCode, out, err } = await eco('spread', '--keys', file);
    expect(err).toMatch(/^error: [^\n]+\n$/);
    expect(err).toMatch(message);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
  });
});
