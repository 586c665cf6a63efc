import os from 'node:os';

/** The machine that carries all servers and the load. */
export interface Machine {
  readonly cores: number;
  readonly model: string;
  readonly node: string;
}

export function thisMachine(): Machine {
  return { cores: os.availableParallelism(), model: os.cpus()[0]?.model ?? '', node: process.version };
}
