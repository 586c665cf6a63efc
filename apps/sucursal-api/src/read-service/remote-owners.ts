import { ownershipSchema } from '@eco/api/branch';
import { Owners, type StoredNoun } from '@eco/api/commands';
import { retryAfter } from '@eco/api/reads';
import { problem } from '@eco/service';
import type { ReadServices } from './read-services.js';

/** Asks the read-service whether an object is of another branch. */
export class RemoteOwners extends Owners {
  readonly #services: Pick<ReadServices, 'read'>;

  constructor(services: Pick<ReadServices, 'read'>) {
    super();
    this.#services = services;
  }

  async isForeign(noun: StoredNoun, id: string): Promise<boolean> {
    try {
      return (await this.#services.read(`/branch/ownership/${noun}/${id}`, ownershipSchema)).isForeign;
    } catch (error) {
      throw problem('no-node', { detail: (error as Error).message, headers: retryAfter, cause: error });
    }
  }
}
