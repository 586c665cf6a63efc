import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** A line of a service's log. Each has these fields, and others that depend on the message. */
export interface LogLine extends Readonly<Record<string, unknown>> {
  readonly time: string;
  readonly level: string;
  /** Name of the process. */
  readonly name: string;
  readonly msg: string;
}

/** A log of one process. */
export interface LogFile {
  readonly name: string;
  readonly file: string;
}

/** Most lines that are read. An id in more lines than this is no id of one order. */
const LINES_MAX = 1000;

/** The lines that contain one of these texts, from all logs that exist. Lines of other programs are left out. */
export async function linesWith(logs: readonly LogFile[], texts: readonly string[]): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for (const { file } of logs) {
    if (!existsSync(file)) continue;
    for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      if (lines.length >= LINES_MAX) return lines;
      if (!texts.some((each) => text.includes(each))) continue;
      const line = lineOf(text);
      if (line !== undefined) lines.push(line);
    }
  }
  return lines;
}

function lineOf(text: string): LogLine | undefined {
  try {
    const line = JSON.parse(text) as Partial<LogLine>;
    const isOurs = [line.time, line.level, line.name, line.msg].every((field) => typeof field === 'string');
    return isOurs ? (line as LogLine) : undefined;
  } catch {
    return undefined;
  }
}
