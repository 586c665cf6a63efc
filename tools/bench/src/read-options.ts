import { wholeNumberOf, wholeNumbersOf } from '@eco/cluster';
import { CALLERS_MAX, parts, ROUNDS_MAX, SECONDS_MAX, sides, type BenchOptions } from './options.js';

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

/** Reads the options, and adds every violation in them. */
export function readOptions(texts: OptionTexts, violations: string[]): BenchOptions {
  const number = (option: string, text: string, min: number, max: number) =>
    wholeNumberOf(option, text, { min, max }, violations);
  const numbers = (option: string, text: string, max: number) => wholeNumbersOf(option, text, { max }, violations);
  const some = <T extends string>(option: string, text: string, all: readonly T[]): T[] => {
    const unknown = text.split(',').filter((each) => !all.some((one) => one === each));
    if (unknown.length > 0) violations.push(`${option} may name ${all.join(', ')}, not ${unknown.join(', ')}`);
    return all.filter((each) => text.split(',').includes(each));
  };
  return {
    parts: some('--parts', texts.parts, parts),
    sides: some('--sides', texts.sides, sides),
    rounds: number('--rounds', texts.rounds, 1, ROUNDS_MAX),
    seconds: number('--seconds', texts.seconds, 1, SECONDS_MAX),
    warmUpSeconds: number('--warm-up', texts.warmUp, 0, SECONDS_MAX),
    callers: numbers('--callers', texts.callers, CALLERS_MAX),
    orders: number('--orders', texts.orders, 1000, 10_000_000),
    pools: numbers('--pools', texts.pools, 90),
    batchLimit: number('--batch-limit', texts.batchLimit, 1, 10_000),
    products: 1000,
    customers: 100_000,
  };
}
