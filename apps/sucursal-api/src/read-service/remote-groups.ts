import { commandStatusSchema } from '@eco/api/branch';
import type { GroupKnowledge } from '@eco/intake';
import { GroupsSeen, type AskedCommand, type CommandStatus, type SeenGroup } from '@eco/reads';
import type { GroupReport } from './read-service-node.js';
import type { ReadServices } from './read-services.js';

/** The groups as the read-services see them. */
export class RemoteGroups extends GroupsSeen implements GroupKnowledge {
  readonly groupIds: readonly string[];
  readonly #services: Pick<ReadServices, 'read'>;

  constructor(groupIds: readonly string[], services: Pick<ReadServices, 'read' | 'reportsOf'>) {
    super(groupIds.map((group) => new RemoteGroup(group, () => services.reportsOf(group))));
    this.groupIds = groupIds;
    this.#services = services;
  }

  /** Without an answer nothing is certain. */
  async commandStatus({ commandId, ...asked }: AskedCommand): Promise<CommandStatus> {
    const query = new URLSearchParams({ ...asked }).toString();
    try {
      return await this.#services.read(`/branch/commands/${commandId}?${query}`, commandStatusSchema);
    } catch {
      return { type: 'open' };
    }
  }
}

const RECENT_MS = 5_000;

class RemoteGroup implements SeenGroup {
  readonly group: string;
  readonly #reports: () => readonly GroupReport[];

  constructor(group: string, reports: () => readonly GroupReport[]) {
    this.group = group;
    this.#reports = reports;
  }

  get buckets(): number | undefined {
    return this.#newest()?.report.buckets ?? undefined;
  }

  get ownedBuckets(): readonly number[] {
    return this.#newest()?.report.ownedBuckets ?? [];
  }

  /**
   * Each report comes late by an unknown time. So of the recent ones, the one that shows the latest time is the most
   * accurate.
   */
  get groupNowMs(): number | undefined {
    const newestMs = Math.max(...this.#reports().map(({ atMs }) => atMs));
    const aheadMs = this.#reports().flatMap(({ atMs, report: { nowMs } }) =>
      nowMs === null || atMs < newestMs - RECENT_MS ? [] : [nowMs - atMs],
    );
    return aheadMs.length === 0 ? undefined : performance.now() + Math.max(...aheadMs);
  }

  get stillMs(): number {
    const newest = this.#newest();
    return newest === undefined ? Infinity : stillNowMs(newest);
  }

  /** The report of the read-service that has seen the group move last. */
  #newest(): GroupReport | undefined {
    return this.#reports().reduce<GroupReport | undefined>(
      (best, each) => (best === undefined || stillNowMs(each) < stillNowMs(best) ? each : best),
      undefined,
    );
  }
}

/** Time for which the group has not moved, as far as this report shows, ms. */
function stillNowMs({ atMs, report }: GroupReport): number {
  return report.stillMs === null ? Infinity : report.stillMs + performance.now() - atMs;
}
