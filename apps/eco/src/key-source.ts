import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { BadInput } from './input.js';

/** Some keys, and the progress of the source. */
export interface KeyBatch {
  readonly keys: readonly string[];
  /** Share of the source that was read, 0 to 1; undefined if its end is unknown (a pipe). */
  readonly share: number | undefined;
}

/** The error of a list of keys, in one line for the user. */
class KeySourceError extends BadInput {}

const BATCH_KEYS = 10_000;
const CHUNK_BYTES = 256 * 1024;
// A customer id has at most 128 characters. A much longer line shows that the file is something else.
const LINE_CHARACTERS_MAX = 4096;

/** Keys without a pattern: UUIDs. */
export async function* randomKeys(count: number): AsyncGenerator<KeyBatch> {
  for (let done = 0; done < count;) {
    const keys = Array.from({ length: Math.min(BATCH_KEYS, count - done) }, () => randomUUID());
    done += keys.length;
    yield { keys, share: done / count };
  }
}

/**
 * The lines of a UTF-8 file, without blank ones. The file is read in chunks, so it may have any size. Throws a
 * KeySourceError if the file can't be read or is no list of keys.
 */
export async function* keysOfFile(path: string): AsyncGenerator<KeyBatch> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let linesDone = 0;
  let bytesRead = 0;
  let unfinished = '';
  try {
    const { size } = await stat(path);
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
      const lines = (unfinished + decoder.decode(chunk, { stream: true })).split('\n');
      refuseLong(path, lines, linesDone);
      unfinished = lines.pop() ?? '';
      linesDone += lines.length;
      bytesRead += chunk.length;
      yield { keys: keysOf(lines), share: size > 0 ? bytesRead / size : undefined };
    }
    yield { keys: keysOf([unfinished + decoder.decode()]), share: 1 };
  } catch (error) {
    throw readErrorOf(error, path, linesDone);
  }
}

function keysOf(lines: readonly string[]): string[] {
  return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line)).filter((line) => line !== '');
}

function refuseLong(path: string, lines: readonly string[], linesBefore: number): void {
  const long = lines.findIndex((line) => line.length > LINE_CHARACTERS_MAX);
  if (long !== -1) {
    throw new KeySourceError(
      `line ${linesBefore + long + 1} of ${path} is longer than ${LINE_CHARACTERS_MAX} characters: give one key a line`,
    );
  }
}

function readErrorOf(error: unknown, path: string, linesDone: number): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new KeySourceError(`there is no file ${path}: give the path of a text file with one key a line`);
    case 'EISDIR':
      return new KeySourceError(`${path} is a folder: give the path of a text file with one key a line`);
    case 'EACCES':
    case 'EPERM':
      return new KeySourceError(`${path} may not be read: change its permissions or give another file`);
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return new KeySourceError(
        `${path} is not UTF-8 text (seen after line ${linesDone}): convert it, or give another`,
      );
    default:
      return error;
  }
}
