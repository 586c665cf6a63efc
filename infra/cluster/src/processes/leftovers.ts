import { NotInTime, until } from '../until.js';
import type { Step } from '../steps.js';
import type { RecordedProcess, Run } from '../run-file.js';
import { isSameProcess } from './identity.js';
import { signalTree } from './process-tree.js';
import { stopSteps } from './stop-stages.js';

/** Processes that an ended run left behind. A pid that belongs to another process by now is left out. */
export function leftoversOf(run: Run): Run['processes'] {
  return run.processes.filter(isSameProcess);
}

/** Steps that stop these processes as the run itself would have done. */
export function stopLeftoverSteps(run: Run): Step[] {
  return stopSteps(leftoversOf(run), stopRecorded);
}

async function stopRecorded(process: RecordedProcess & { stopSignal: NodeJS.Signals; stopMs: number }): Promise<void> {
  signalTree(process.pid, 'SIGCONT');
  signalTree(process.pid, process.stopSignal);
  await untilEnded(process, process.stopMs).catch(async (error) => {
    if (!(error instanceof NotInTime)) throw error;
    signalTree(process.pid, 'SIGKILL');
    await untilEnded(process, 5000);
  });
}

/** Waits until the process has ended, whether it is our child or not. Throws a `NotInTime`. */
export async function untilEnded(process: RecordedProcess, deadlineMs: number): Promise<void> {
  await until(`process ${process.pid} did not end`, () => !isSameProcess(process), { deadlineMs });
}
