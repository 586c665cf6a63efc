import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { POSITION_PREFIX } from '@eco/database';
import type { BatchPosition } from '@eco/routing';
import { commandAs, giveTo, type Account } from '../native/account.js';
import { runPgbackrest } from './pgbackrest.js';

/** The transaction that stored a batch. */
export interface FoundPosition {
  readonly xid: string;
  readonly timeline: number;
  /** Place of its note in the log. */
  readonly lsn: bigint;
}

export interface LogOfGroup {
  readonly pgbackrest: string;
  readonly postgresDir: string;
  readonly account: Account;
  readonly groupId: string;
  /** Arguments of `selection`, with a node whose folder has data of the group. */
  readonly selected: readonly string[];
}

/** Segments that are looked through at once: 16 MB each. */
const SEGMENTS = 16;
const OUTPUT_MAX = 256 * 1024 * 1024;
/** Segments per log file number, for segments of 16 MB. */
const SEGMENTS_PER_LOG = 256n;
const SEGMENT_BYTES = 16n * 1024n * 1024n;

/**
 * Looks for the note of a position in the archived log, from `firstSegment` on. Undefined: it is not there.
 *
 * A batch that was tried again has a note for each try. Only the last one was committed, so the last note counts, on
 * whatever timeline. A segment at which a timeline begins repeats notes of the timeline before; then the earlier one counts.
 */
export async function findPosition(
  log: LogOfGroup,
  { term, tag, seq }: BatchPosition,
  firstSegment: string,
): Promise<FoundPosition | undefined> {
  const note = Buffer.from(`${term}.${tag}.${seq}`).toString('hex').toUpperCase();
  let found: FoundPosition | undefined;
  for (const segments of byTimeline(await segmentsFrom(log, firstSegment))) {
    for (let first = 0; first < segments.length; first += SEGMENTS) {
      const notes = await notesIn(log, segments.slice(first, first + SEGMENTS + 1), SEGMENTS);
      for (const each of notes) {
        if (each.note === note && (found === undefined || each.lsn > found.lsn)) found = each;
      }
    }
  }
  return found;
}

/** Names of the archived segments that are not before this one on any timeline, in order. */
async function segmentsFrom({ pgbackrest, account, selected, groupId }: LogOfGroup, first: string): Promise<string[]> {
  const text = await runPgbackrest({
    program: pgbackrest,
    account,
    selected: selected.filter((word) => !word.startsWith('--stanza=')),
    command: 'repo-ls',
    args: ['--recurse', '--filter=/[0-9A-F]{24}-[0-9a-f]{40}'],
    operands: [`archive/${groupId}`],
  });
  const names = text.split('\n').map((line) => path.basename(line).slice(0, 24));
  return [...new Set(names)].filter((name) => name !== '' && name.slice(8) >= first.slice(8)).sort();
}

function byTimeline(segments: readonly string[]): string[][] {
  const timelines = new Map<string, string[]>();
  for (const each of segments) timelines.set(each.slice(0, 8), [...(timelines.get(each.slice(0, 8)) ?? []), each]);
  return [...timelines.values()];
}

/**
 * The notes in the first segments of a timeline. A record may end in the segment after them, which is the last one of
 * `segments`, if there is one.
 */
async function notesIn(log: LogOfGroup, segments: readonly string[], count: number) {
  const { account, postgresDir } = log;
  const dir = await mkdtemp(path.join(os.tmpdir(), 'eco-log-'));
  try {
    giveTo(account, dir);
    for (const each of segments) await getSegment(log, each, path.join(dir, each));
    const [first = ''] = segments;
    const args = [
      `--path=${dir}`,
      '--rmgr=LogicalMessage',
      `--timeline=${timelineOf(first)}`,
      `--start=${formatLsn(startOf(first))}`,
      ...(segments.length > count ? [`--end=${formatLsn(startOf(segments[count] ?? ''))}`] : []),
    ];
    return notesOf(await waldump(account, path.join(postgresDir, 'pg_waldump'), args), timelineOf(first));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function getSegment({ pgbackrest, account, selected }: LogOfGroup, segment: string, file: string): Promise<void> {
  await runPgbackrest({
    program: pgbackrest,
    account,
    selected,
    command: 'archive-get',
    operands: [segment, file],
  });
}

/** The last segment ends in the middle of the log, which pg_waldump reports as an error after all notes. */
async function waldump(account: Account, program: string, args: readonly string[]): Promise<string> {
  const [file, all] = commandAs(account, program, args);
  try {
    return (await promisify(execFile)(file, all, { cwd: '/', maxBuffer: OUTPUT_MAX })).stdout;
  } catch (error) {
    const { stdout, code } = error as { stdout?: string; code?: unknown };
    if (stdout === undefined || code !== 1) throw error;
    return stdout;
  }
}

const NOTE = new RegExp(
  `tx: +(\\d+), lsn: ([0-9A-F]+)/([0-9A-F]+), .*prefix "${POSITION_PREFIX}"; payload \\(\\d+ bytes\\): ([0-9A-F ]+)$`,
);

/** Reads the lines of pg_waldump. */
export function notesOf(text: string, timeline: number): (FoundPosition & { readonly note: string })[] {
  return text.split('\n').flatMap((line) => {
    const [, xid, high = '', low = '', note] = NOTE.exec(line) ?? [];
    if (xid === undefined || note === undefined) return [];
    const lsn = (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
    return [{ xid, timeline, lsn, note: note.replaceAll(' ', '') }];
  });
}

function timelineOf(segment: string): number {
  return parseInt(segment.slice(0, 8), 16);
}

function startOf(segment: string): bigint {
  const [log, part] = [segment.slice(8, 16), segment.slice(16, 24)].map((digits) => BigInt(`0x${digits}`));
  return ((log ?? 0n) * SEGMENTS_PER_LOG + (part ?? 0n)) * SEGMENT_BYTES;
}

function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase();
}
