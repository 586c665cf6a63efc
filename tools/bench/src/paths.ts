import path from 'node:path';

/** `tools/bench/{src,dist}/paths`: what is not compiled lies beside. */
export const BENCH_DIR = path.resolve(__dirname, '..');
