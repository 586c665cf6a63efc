/**
 * What is to be done, as a tree, so that one can watch it: the command line draws it, tests just run it. The steps of a
 * step follow each other, unless they go `together`.
 */

export type Say = (text: string) => void;

export type Step =
  | { readonly title: string; readonly run: (say: Say) => Promise<void> }
  | { readonly title: string; readonly steps: readonly Step[]; readonly together: boolean };

export function inOrder(title: string, steps: readonly Step[]): Step {
  return { title, steps, together: false };
}

export function together(title: string, steps: readonly Step[]): Step {
  return { title, steps, together: true };
}

/** Rejects with the first fault, once everything that was begun has ended. */
export type RunSteps = (steps: readonly Step[]) => Promise<void>;

/** Runs the steps one after the other and says nothing. */
export async function runSteps(steps: readonly Step[]): Promise<void> {
  for (const step of steps) await runStep(step);
}

async function runStep(step: Step): Promise<void> {
  if ('run' in step) return step.run(() => undefined);
  if (!step.together) return runSteps(step.steps);
  const ended = await Promise.allSettled(step.steps.map(runStep));
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
}
