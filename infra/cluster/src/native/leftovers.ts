import { NotInTime, until } from '../until.js';
import type { Step } from '../steps.js';
import type { RecordedProcess, Run } from '../run-file.js';
import { isSameProcess } from './identity.js';
import { signalTree } from './process-tree.js';
import { stopSteps } from './stop-stages.js';

/** Processes left behind by an ended run, without pids that other processes have by now. */
export function leftoversOf(run: Run): Run['processes'] {
  return run.processes.filter(isSameProcess);
}

/** Stops them as the run itself would have done. */
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

/** Also works for a process that is not our child. Throws a `NotInTime`. */
export async function untilEnded(process: RecordedProcess, deadlineMs: number): Promise<void> {
  await until(`process ${process.pid} did not end`, () => !isSameProcess(process), { deadlineMs });
}
