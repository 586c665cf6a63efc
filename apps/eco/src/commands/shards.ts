import { bucketOf, BUCKETS_DEFAULT, BUCKETS_MAX, bucketsOf, evenPlacement, groupOf, isBucketCount } from '@eco/routing';
import type { Command } from 'commander';
import { withProgress } from '../key-progress.js';
import { BadInput, json, printChecked, whole, wholeNumberOf } from '../input.js';
import { keysOfFile, randomKeys, type KeyBatch } from '../key-source.js';
import { compareRouters, groupIdsOf, type RouterMethod } from '../shards/compare.js';
import { VIRTUAL_NODES } from '../shards/ring.js';
import { spreadOf, spreadOverGroups, type Spread } from '../shards/spread.js';
import { tableOf } from '../text-table.js';

const RANDOM_KEYS_MAX = 10_000_000;
const RANDOM_KEYS_TO_COMPARE = 100_000;
/** Default number of groups. With one group all three routers would behave the same. */
const GROUPS_TO_COMPARE = 4;
/** Probability below which chance does not explain an uneven spread. */
const P_DOUBTFUL = 0.001;
const BAR_WIDTH = 24;

const METHOD_NAMES: Record<RouterMethod, string> = {
  modulo: 'MD5 modulo groups',
  ring: `ring, ${VIRTUAL_NODES} virtual nodes a group`,
  buckets: 'buckets placed on groups (ours)',
};

/** The options as commander returns them: texts, and `undefined` for missing ones. */
interface Options {
  readonly keys?: string;
  readonly random?: string;
  readonly groups: string;
  readonly buckets: string;
  readonly add?: string;
  readonly json?: true;
}

interface KeySource {
  readonly name: string;
  readonly batches: AsyncIterable<KeyBatch>;
}

/** `eco shards spread` and `eco shards compare`: the router's placement of a list of keys. They need no server. */
export function registerShards(program: Command): void {
  const shards = program
    .command('shards')
    .description('show how keys spread over buckets and groups, and what growth moves');
  shards
    .command('spread')
    .description('count the keys of each bucket and group against the ideal, with chi-square')
    .option('--keys <file>', 'UTF-8 text, one key per line; a key that occurs twice counts twice')
    .option('--random <n>', `instead of a file: n random keys, at most ${whole(RANDOM_KEYS_MAX)}`)
    .option('--groups <n>', 'number of database groups', '1')
    .option('--buckets <n>', `number of buckets, a power of two up to ${BUCKETS_MAX}`, String(BUCKETS_DEFAULT))
    .option('--json', 'print JSON')
    .action((options: Options, command: Command) =>
      printChecked(
        command,
        (violations) => ({ ...clusterOf(options, 0, violations), source: keySourceOf(options, undefined, violations) }),
        (asked) => spread(asked, options),
      ),
    );
  shards
    .command('compare')
    .description('count the keys that move when groups are added: modulo, consistent-hash ring, ours')
    .option('--add <n>', 'number of groups to add')
    .option('--keys <file>', 'UTF-8 text, one key per line')
    .option('--random <n>', `instead of a file: n random keys (default: ${whole(RANDOM_KEYS_TO_COMPARE)})`)
    .option('--groups <n>', 'number of database groups before', String(GROUPS_TO_COMPARE))
    .option('--buckets <n>', `number of buckets, a power of two up to ${BUCKETS_MAX}`, String(BUCKETS_DEFAULT))
    .option('--json', 'print JSON')
    .action((options: Options, command: Command) =>
      printChecked(
        command,
        (violations) => askedOf(options, violations),
        (asked) => compare(asked, options),
      ),
    );
}

interface Asked {
  readonly groups: number;
  readonly buckets: number;
  readonly source: KeySource;
}

async function spread({ groups, buckets, source }: Asked, options: Options): Promise<string> {
  const counts = new Array<number>(buckets).fill(0);
  const keys = await forEachKey(source, (key) => {
    const bucket = bucketOf(key, buckets);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  });
  const placement = evenPlacement(buckets, groupIdsOf(groups));
  const overBuckets = spreadOf(counts);
  const overGroups = spreadOverGroups(placement, counts);
  const bucketRows = overBuckets.places.map((place, bucket) => ({
    bucket,
    group: groupOf(placement, bucket),
    ...place,
  }));
  const groupRows = overGroups.places.map((place, index) => {
    const group = placement.groups[index] ?? '';
    return { group, buckets: bucketsOf(placement, group).length, ...place };
  });
  if (options.json) {
    return json({
      source: source.name,
      keys,
      buckets: { ...overBuckets, places: bucketRows },
      groups: { ...overGroups, places: groupRows },
    });
  }

  const fullestBucket = Math.max(...counts);
  const fullestGroup = Math.max(...groupRows.map((row) => row.keys));
  return [
    `${whole(keys)} keys (${source.name}), ${buckets} buckets, ${groups === 1 ? '1 group' : `${groups} groups`}`,
    tableOf(
      ['>bucket', 'group', '>keys', '>%', '>ideal', '>off', ''],
      bucketRows.map((row) => [String(row.bucket), row.group, ...placeCells(row, keys, fullestBucket)]),
    ),
    chiSquareLine(overBuckets, 'bucket'),
    '',
    tableOf(
      ['group', '>buckets', '>keys', '>%', '>ideal', '>off', ''],
      groupRows.map((row) => [row.group, String(row.buckets), ...placeCells(row, keys, fullestGroup)]),
    ),
    chiSquareLine(overGroups, 'group'),
    ...unevenGroupsLine(groupRows.map((row) => row.buckets)),
  ].join('\n');
}

function askedOf(options: Options, violations: string[]): Asked & { added: number } {
  const added =
    options.add === undefined ? 0 : wholeNumberOf('--add', options.add, { max: BUCKETS_MAX - 1 }, violations);
  if (options.add === undefined) violations.push('say how many groups to add: --add <n>');
  const cluster = clusterOf(options, added, violations);
  return { ...cluster, added, source: keySourceOf(options, RANDOM_KEYS_TO_COMPARE, violations) };
}

async function compare({ groups, added, buckets, source }: Asked & { added: number }, options: Options) {
  const comparison = compareRouters({ groups, added, buckets });
  const keys = await forEachKey(source, (key) => comparison.add(key));
  const groupsAfter = groups + added;
  const rows = comparison.moves().map(({ method, moved, fullest }) => ({
    method,
    moved,
    movedPercent: (moved / keys) * 100,
    fullestGroupOffPercent: ((fullest * groupsAfter) / keys - 1) * 100,
  }));
  const idealMovedPercent = (added / groupsAfter) * 100;
  if (options.json) {
    return json({
      source: source.name,
      keys,
      buckets,
      groupsBefore: groups,
      groupsAfter,
      idealMovedPercent,
      methods: rows,
    });
  }
  return [
    `${whole(keys)} keys (${source.name}), ${buckets} buckets, ${groups} → ${groupsAfter} groups`,
    tableOf(
      ['method', '>keys', '>moved', '>moved %', '>ideal %', '', '>fullest group'],
      rows.map((row) => [
        METHOD_NAMES[row.method],
        whole(keys),
        whole(row.moved),
        row.movedPercent.toFixed(1),
        idealMovedPercent.toFixed(1),
        bar(row.moved / keys),
        signedPercent(row.fullestGroupOffPercent),
      ]),
    ),
    'ideal: only what the added groups need for an even share; fullest group: its keys after, against an even share',
  ].join('\n');
}

function clusterOf(options: Options, added: number, violations: string[]): { groups: number; buckets: number } {
  const groups = wholeNumberOf('--groups', options.groups, { max: BUCKETS_MAX }, violations);
  const buckets = wholeNumberOf('--buckets', options.buckets, { max: BUCKETS_MAX }, violations);
  if (buckets > 0 && !isBucketCount(buckets)) {
    violations.push(`--buckets must be a power of two (1, 2, 4 … ${BUCKETS_MAX}), not ${buckets}`);
  } else if (buckets > 0 && groups + added > buckets) {
    violations.push(
      `${groups + added} groups need at least as many buckets, not ${buckets}: take fewer groups, or more buckets by --buckets`,
    );
  }
  return { groups, buckets };
}

/** `randomDefault`: number of random keys if no option is given. Undefined: one of the options is required. */
function keySourceOf(options: Options, randomDefault: number | undefined, violations: string[]): KeySource {
  const { keys, random } = options;
  if (keys !== undefined && random !== undefined) {
    violations.push('give either --keys or --random, not both');
  } else if (keys === undefined && random === undefined && randomDefault === undefined) {
    violations.push('say which keys: --keys <file>, or --random <n>');
  }
  if (keys !== undefined) return { name: keys, batches: keysOfFile(keys) };
  const count =
    random === undefined ? randomDefault : wholeNumberOf('--random', random, { max: RANDOM_KEYS_MAX }, violations);
  return { name: 'random', batches: randomKeys(count ?? 0) };
}

/** Number of keys, at least one. */
async function forEachKey(source: KeySource, take: (key: string) => void): Promise<number> {
  let taken = 0;
  for await (const { keys } of withProgress(source.batches)) {
    for (const key of keys) take(key);
    taken += keys.length;
  }
  if (taken === 0) throw new BadInput(`there are no keys in ${source.name}: give one key a line`);
  return taken;
}

function placeCells(place: Spread['places'][number], keys: number, fullest: number): string[] {
  return [
    whole(place.keys),
    ((place.keys / keys) * 100).toFixed(2),
    place.ideal.toLocaleString('en-US', { maximumFractionDigits: 1 }),
    signedPercent(place.deviationPercent),
    bar(place.keys / fullest),
  ];
}

function chiSquareLine(spread: Spread, place: string): string {
  if (spread.degreesOfFreedom === 0) return `chi-square: none, one ${place} has everything`;
  const verdict = !spread.enoughKeys
    ? `too few keys to judge (an ideal below 5 a ${place})`
    : spread.p < P_DOUBTFUL
      ? 'uneven: hardly by chance'
      : 'even, as far as chance allows';
  const p = spread.p >= P_DOUBTFUL ? spread.p.toFixed(3) : spread.p.toExponential(1);
  return `chi-square ${spread.chiSquare.toFixed(2)}, ${spread.degreesOfFreedom} degrees of freedom, p ${p}: ${verdict}`;
}

/**
 * Reports that groups own different numbers of buckets. A group's ideal depends on its buckets, so chi-square does not
 * show this.
 */
function unevenGroupsLine(bucketsOfGroups: readonly number[]): string[] {
  const most = Math.max(...bucketsOfGroups);
  const least = Math.min(...bucketsOfGroups);
  if (most === least) return [];
  const total = bucketsOfGroups.reduce((sum, buckets) => sum + buckets, 0);
  const over = ((most * bucketsOfGroups.length) / total - 1) * 100;
  return [
    `${total} buckets do not divide evenly: some groups own ${most}, others ${least}; ${most} is ${over.toFixed(1)} % over an even share`,
  ];
}

/** A bar that is full at 1, drawn in eighths of a character. */
function bar(share: number): string {
  const eighths = Math.round(share * BAR_WIDTH * 8);
  return '█'.repeat(eighths >> 3) + (['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths & 7] ?? '');
}

function signedPercent(percent: number): string {
  const digits = Math.abs(percent).toFixed(1);
  const sign = digits === '0.0' ? '' : percent < 0 ? '−' : '+';
  return `${sign}${digits} %`;
}
