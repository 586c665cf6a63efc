import type { RunningNode } from '../running-cluster.js';
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
    pause: () => process.pause(),
    resume: async () => process.resume(),
  };
}
