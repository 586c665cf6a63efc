import type { RunSteps, Step } from '@eco/cluster';
import { Listr, PRESET_TIMER, type ListrTask } from 'listr2';

/** Least width for drawing a tree. A terminal that nobody sees may report none. */
const COLUMNS_MIN = 60;

/** Draws the steps of a cluster while they run: a tree with spinners in a terminal, lines with the time elsewhere. */
export const drawSteps: RunSteps = async (steps) => {
  const faults: unknown[] = [];
  const list = new Listr(
    steps.map((step) => taskOf(step, faults)),
    {
      // `eco up` handles Ctrl-C itself, because it stops the started servers in order.
      registerSignalListeners: false,
      fallbackRendererCondition: () => !process.stdout.isTTY || process.stdout.columns < COLUMNS_MIN,
      rendererOptions: { collapseSubtasks: false, timer: PRESET_TIMER },
      fallbackRendererOptions: { timer: PRESET_TIMER },
    },
  );
  try {
    await list.run();
  } catch (error) {
    throw faults[0] ?? error;
  }
};

/**
 * A step of the display, which shows one line of an error. The whole error goes into `faults`, in the order of the
 * failures.
 */
function taskOf(step: Step, faults: unknown[]): ListrTask {
  return {
    title: step.title,
    task: async (_context, task) => {
      if (!('run' in step)) {
        return task.newListr(
          step.steps.map((each) => taskOf(each, faults)),
          { concurrent: step.together },
        );
      }
      const say = (text: string) => {
        task.title = text === '' ? step.title : `${step.title}: ${text}`;
      };
      await step.run(say).catch((error: Error) => {
        faults.push(error);
        throw new Error(error.message.split('\n')[0], { cause: error });
      });
    },
  };
}
