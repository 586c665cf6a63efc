import { Refused } from '../refused.js';
import type { RunningNode, RunningServer } from '../running-cluster.js';
import type { Native } from './native.js';
import type { NativeProcess } from './native-process.js';

/** A process as a fault suite needs it. */
export function runningNode(process: NativeProcess): RunningNode {
  return {
    name: process.name,
    isRunning: async () => process.running,
    kill: async () => {
      process.kill('SIGKILL');
      await process.ended();
    },
    stop: () => process.stop(),
    start: () => process.start(),
    restart: () => process.restart(),
    pause: async () => process.pause(),
    resume: async () => process.resume(),
  };
}

export function runningServer({ network, disks }: Native, host: string, process: NativeProcess): RunningServer {
  const { name } = process;
  const asked = <Part>(part: Part | undefined): Part => {
    if (part) return part;
    throw new Refused(`${name} can be cut off, and its disk filled, when the description says faults: true`);
  };
  return {
    ...runningNode(process),
    host,
    cutOff: async () => asked(network).pull(name),
    reconnect: async () => asked(network).plug(name),
    fillDisk: async () => asked(disks).fill(name),
    freeDisk: async () => asked(disks).free(name),
  };
}
