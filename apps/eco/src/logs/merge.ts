/** A line of a process's log. */
export interface ProcessLine {
  readonly process: string;
  readonly line: string;
}

/** Time at the start of a line: of our logs, of PostgreSQL and of RabbitMQ. */
const TIME = /^(?:\{.*?"time":")?(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)/;

/** The lines of several processes, by time. A line without a time, such as of a stack, stays behind its predecessor. */
export function byTime(logs: readonly (readonly ProcessLine[])[]): ProcessLine[] {
  const timed = logs.flatMap((lines) => {
    let time = '';
    return lines.map((each) => {
      const [, day, clock] = TIME.exec(each.line) ?? [];
      if (day !== undefined) time = `${day} ${clock}`;
      return { time, each };
    });
  });
  return timed
    .sort((one, other) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0))
    .map(({ each }) => each);
}
