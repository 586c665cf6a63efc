import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import path from 'node:path';

/** A place at the end of a line of a stack: file, line and column, from 1. */
const PLACE = /((?:\/|[A-Za-z]:\\)[^():]*\.js):(\d+):(\d+)(\)?)$/;

/** By compiled file. Null: it has no map that can be read. */
const maps = new Map<string, SourceMap | null>();

/**
 * The stack with places in our sources in place of those in compiled files. A map is read when an error first needs it: with
 * `--enable-source-maps` Node reads all of them while a process starts, which is a tenth of what loading its modules costs.
 */
export function mappedStack(stack: string): string {
  return stack
    .split('\n')
    .map((line) => line.replace(PLACE, placeInSource))
    .join('\n');
}

function placeInSource(place: string, file: string, line: string, column: string, end: string): string {
  const map = mapOf(file);
  if (map === null) return place;
  // Entries count from 0.
  const entry = map.findEntry(Number(line) - 1, Number(column) - 1);
  if (!('originalSource' in entry)) return place;
  const source = path.resolve(path.dirname(file), entry.originalSource);
  return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}${end}`;
}

function mapOf(file: string): SourceMap | null {
  let map = maps.get(file);
  if (map === undefined) maps.set(file, (map = readMap(file)));
  return map;
}

function readMap(file: string): SourceMap | null {
  if (file.includes(`${path.sep}node_modules${path.sep}`)) return null;
  try {
    return new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')) as SourceMapPayload);
  } catch {
    return null;
  }
}
