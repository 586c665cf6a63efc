import { Refused } from '../refused.js';
import type { RunningServer } from '../running-cluster.js';
import type { NativeProcess } from '../processes/native-process.js';
import { runningNode } from '../processes/running-node.js';
import type { Native } from './native.js';

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
