import type { RunSteps, Step } from '@eco/cluster';
import { Listr, PRESET_TIMER, type ListrTask } from 'listr2';

/** A tree needs some width; a terminal that nobody looks at may say that it has none. */
const COLUMNS_MIN = 60;

/** Draws the steps of a cluster while they run: a tree with spinners in a terminal, lines with the time elsewhere. */
export const drawSteps: RunSteps = async (steps) => {
  await listOf(steps, false).run();
};

function listOf(steps: readonly Step[], together: boolean) {
  return new Listr(steps.map(taskOf), {
    concurrent: together,
    // Ctrl-C is ours: it stops what was begun, in order.
    registerSignalListeners: false,
    fallbackRendererCondition: () => !process.stdout.isTTY || process.stdout.columns < COLUMNS_MIN,
    rendererOptions: { collapseSubtasks: false, timer: PRESET_TIMER },
    fallbackRendererOptions: { timer: PRESET_TIMER },
  });
}

function taskOf(step: Step): ListrTask {
  return {
    title: step.title,
    task: (_context, task) => {
      if ('run' in step) {
        return step.run((text) => {
          task.title = text === '' ? step.title : `${step.title}: ${text}`;
        });
      }
      return task.newListr(step.steps.map(taskOf), { concurrent: step.together });
    },
  };
}
