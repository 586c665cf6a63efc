import { branchLevelsSchema } from '@eco/api/branch';
import { receivedBranchPageSchema } from '@eco/contracts';
import { z } from 'zod';
import { NoReadServiceError, type ReadServices } from '../read-service/read-services.js';
import type { BranchTopic, HeadOffice } from './branch-feed.js';

/** Most changes of a topic that one page looks at. */
const PAGE = 1_000;

const lostSchema = z.object({ continueFrom: z.string() });

/** Reads from the read-services, as the branch, in the group that owns the branch's bucket. */
export class RemoteHeadOffice implements HeadOffice {
  readonly #services: Pick<ReadServices, 'read' | 'answerTo'>;
  readonly #group: () => string | undefined;

  constructor(services: Pick<ReadServices, 'read' | 'answerTo'>, group: () => string | undefined) {
    this.#services = services;
    this.#group = group;
  }

  async changes(topic: BranchTopic, after: string | null): ReturnType<HeadOffice['changes']> {
    const query = this.#query({ topic, limit: String(PAGE), ...(after !== null && { after }) });
    const { status, content } = await this.#services.answerTo(`/branch/changes?${query}`);
    if (status === 410) return { type: 'lost', ...lostSchema.parse(JSON.parse(content)) };
    if (status !== 200) throw new NoReadServiceError(`the read-service answers ${status}: ${content}`);
    const { changes, next, more, homeEpoch } = receivedBranchPageSchema.parse(JSON.parse(content));
    return { type: 'page', changes, next, more, homeEpoch };
  }

  levels(): ReturnType<HeadOffice['levels']> {
    return this.#services.read(`/branch/levels?${this.#query({})}`, branchLevelsSchema);
  }

  #query(parameters: Record<string, string>): string {
    const group = this.#group();
    if (group === undefined) throw new NoReadServiceError('no read-service has reported the groups');
    return new URLSearchParams({ ...parameters, group }).toString();
  }
}
