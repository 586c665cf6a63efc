import { parts, sides, type BenchOptions } from './options.js';

/** The options as they come from the command line. */
export interface OptionTexts {
  readonly seconds: string;
  readonly warmUp: string;
  readonly rounds: string;
  readonly callers: string;
  readonly orders: string;
  readonly pools: string;
  readonly batchLimit: string;
  readonly parts: string;
  readonly sides: string;
}

/** Reads the options. Throws an error that names every violation. */
export class BadOptions extends Error {
  override readonly name = 'BadOptions';
}

/** Throws `BadOptions`. */
export function readOptions(texts: OptionTexts): BenchOptions {
  const violations: string[] = [];
  const number = (option: string, text: string, min: number, max: number): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    violations.push(`${option} must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`);
    return min;
  };
  const numbers = (option: string, text: string, max: number) =>
    text.split(',').map((each) => number(`each of ${option}`, each, 1, max));
  const some = <T extends string>(option: string, text: string, all: readonly T[]): T[] => {
    const unknown = text.split(',').filter((each) => !all.some((one) => one === each));
    if (unknown.length > 0) violations.push(`${option} may name ${all.join(', ')}, not ${unknown.join(', ')}`);
    return all.filter((each) => text.split(',').includes(each));
  };
  const options: BenchOptions = {
    parts: some('--parts', texts.parts, parts),
    sides: some('--sides', texts.sides, sides),
    rounds: number('--rounds', texts.rounds, 1, 100),
    seconds: number('--seconds', texts.seconds, 1, 3600),
    warmUpSeconds: number('--warm-up', texts.warmUp, 0, 3600),
    callers: numbers('--callers', texts.callers, 1000),
    orders: number('--orders', texts.orders, 1000, 10_000_000),
    pools: numbers('--pools', texts.pools, 90),
    batchLimit: number('--batch-limit', texts.batchLimit, 1, 10_000),
    products: 1000,
    customers: 100_000,
  };
  if (violations.length > 0) throw new BadOptions(violations.join('; '));
  return options;
}
