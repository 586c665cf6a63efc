import { together, type Step } from '../steps.js';

/**
 * Processes that are stopped together. One stage follows the other: APIs first, then everything that needs later
 * stages.
 */
export const stopStages = [
  'observers',
  'APIs',
  'read-service',
  'writers',
  'brokers',
  'replicas',
  'primaries',
  'epmd',
] as const;
export type StopStage = (typeof stopStages)[number];

/** Stops processes in this order. */
export function stopSteps<P extends { readonly name: string; readonly stage: StopStage }>(
  processes: readonly P[],
  stop: (process: P) => Promise<void>,
): Step[] {
  return stopStages.flatMap((stage) => {
    const some = processes.filter((process) => process.stage === stage);
    const steps = some.map((process) => ({ title: process.name, run: () => stop(process) }));
    return steps.length > 1 ? [together(stage, steps)] : steps;
  });
}
