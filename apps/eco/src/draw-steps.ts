import type { RunSteps, Step } from '@eco/cluster';
import { Listr, PRESET_TIMER, type ListrTask } from 'listr2';

/** Draws the steps of a cluster while they run: a tree with spinners in a terminal, lines with the time elsewhere. */
export const drawSteps: RunSteps = async (steps) => {
  await listOf(steps, false).run();
};

function listOf(steps: readonly Step[], together: boolean) {
  return new Listr(steps.map(taskOf), {
    concurrent: together,
    // Ctrl-C is ours: it stops what was begun, in order.
    registerSignalListeners: false,
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
