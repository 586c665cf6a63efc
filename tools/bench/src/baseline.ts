/** What is measured, and the plain program beside it. */
export type Compared = 'bare' | 'ours';

export interface ComparisonSpec {
  readonly callers: readonly number[];
  readonly rounds: number;
}

/**
 * Measures the plain program, then ours, with so many callers at once each, round after round, so that what drifts hits
 * both. The round before the first is not counted: what runs for the first time is compiled meanwhile. `tell`: a figure.
 */
export async function compareWithBaseline<T>(
  { callers, rounds }: ComparisonSpec,
  measure: (subject: Compared, callers: number, round: number) => Promise<T>,
  tell: (measured: T) => string,
  say: (line: string) => void,
): Promise<T[]> {
  const counted: T[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    for (const at of callers) {
      for (const subject of ['bare', 'ours'] as const) {
        const measured = await measure(subject, at, round);
        say(`${round === 0 ? 'not counted' : `round ${round}`}, ${at} callers, ${subject}: ${tell(measured)}`);
        if (round > 0) counted.push(measured);
      }
    }
  }
  return counted;
}
