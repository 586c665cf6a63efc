/**
 * Steps as a tree, whose progress can be shown: the command line draws it, and tests only run it. The children of a
 * step run one after the other, or at the same time if `together` is set.
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

/** Rejects with the first error; steps that go together with it may then still be running. */
export type RunSteps = (steps: readonly Step[]) => Promise<void>;

/** Runs the steps one after the other without output. */
export async function runSteps(steps: readonly Step[]): Promise<void> {
  for (const step of steps) await runStep(step);
}

async function runStep(step: Step): Promise<void> {
  if ('run' in step) await step.run(() => undefined);
  else if (step.together) await Promise.all(step.steps.map(runStep));
  else await runSteps(step.steps);
}
