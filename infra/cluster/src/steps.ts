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

/** Rejects with the first error; what goes together with it may then still be under way. */
export type RunSteps = (steps: readonly Step[]) => Promise<void>;

/** Runs the steps one after the other and says nothing. */
export async function runSteps(steps: readonly Step[]): Promise<void> {
  for (const step of steps) await runStep(step);
}

async function runStep(step: Step): Promise<void> {
  if ('run' in step) await step.run(() => undefined);
  else if (step.together) await Promise.all(step.steps.map(runStep));
  else await runSteps(step.steps);
}
