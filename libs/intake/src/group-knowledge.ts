import type { Reads } from '@eco/reads';

/**
 * What an intake must know of the groups that decide its commands. `Reads` has it from the databases, and a branch has it
 * from the read-service.
 */
export type GroupKnowledge = Pick<
  Reads,
  'groupOf' | 'groupNowMs' | 'movingGroupNowMs' | 'standstill' | 'commandStatus'
> & {
  readonly groupIds: readonly string[];
};
