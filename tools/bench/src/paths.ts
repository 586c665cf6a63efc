import path from 'node:path';

/** `tools/bench/{src,dist}/paths`: files that are not compiled are relative to it. */
export const BENCH_DIR = path.resolve(__dirname, '..');
