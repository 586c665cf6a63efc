/** The measured system, or the plain program that it is compared with. */
export type Compared = 'bare' | 'ours';

export interface ComparisonSpec {
  readonly callers: readonly number[];
  readonly rounds: number;
}

/**
 * Measures the plain program, then ours, with each number of concurrent callers, round after round, so that drift
 * affects both. The first round is not counted, because code is compiled meanwhile. `format` makes text of a result.
 */
export async function compareWithBaseline<T>(
  { callers, rounds }: ComparisonSpec,
  measure: (subject: Compared, callers: number, round: number) => Promise<T>,
  format: (measured: T) => string,
  say: (line: string) => void,
): Promise<T[]> {
  const counted: T[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    for (const at of callers) {
      for (const subject of ['bare', 'ours'] as const) {
        const measured = await measure(subject, at, round);
        say(`${round === 0 ? 'not counted' : `round ${round}`}, ${at} callers, ${subject}: ${format(measured)}`);
        if (round > 0) counted.push(measured);
      }
    }
  }
  return counted;
}
