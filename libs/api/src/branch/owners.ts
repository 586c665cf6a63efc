import { reachesObject, type Caller, type Owner } from '@eco/access';
import type { ProblemName } from '@eco/contracts';
import type { Query, Reads } from '@eco/reads';
import { NO_POSITION } from '@eco/routing';
import { answered } from '../http/read-answer.js';
import { orderBranchQuery } from '../orders/order.query.js';
import { reservationQuery } from '../reservations/reservation.query.js';
import { transferQuery } from '../transfers/transfer.query.js';

/** A kind of stored objects on which commands act. */
interface StoredObjects<Row> {
  /** $1: id of the object. */
  readonly query: Query<Row, unknown>;
  readonly ownerOf: (row: Row) => Owner;
  /** The problem that an unknown id gets. */
  readonly unknown: ProblemName;
}

function stored<Row>(objects: StoredObjects<Row>) {
  return {
    unknown: objects.unknown,
    async isForeign(reads: Reads, caller: Caller, id: string): Promise<boolean> {
      const { rows } = answered(await reads.ofId(id, objects.query, [id], { position: NO_POSITION, waitMs: 0 }));
      return rows.some((row) => !reachesObject(caller, objects.ownerOf(row)));
    },
  };
}

export const storedObjects = {
  orders: stored({
    query: orderBranchQuery,
    ownerOf: ({ branch_id }) => ({ branchIds: [branch_id] }),
    unknown: 'order-unknown',
  }),
  reservations: stored({
    query: reservationQuery,
    ownerOf: ({ branch_id }) => ({ branchIds: [branch_id] }),
    unknown: 'reservation-unknown',
  }),
  /** A transfer belongs to its destination, because only the destination can receive it. */
  transfers: stored({
    query: transferQuery,
    ownerOf: ({ to_location }) => ({ branchIds: [to_location] }),
    unknown: 'transfer-unknown',
  }),
} as const;

export type StoredNoun = keyof typeof storedObjects;
export const storedNouns = Object.keys(storedObjects) as [StoredNoun, ...StoredNoun[]];

/** Knows whether a stored object is of another branch than its caller's. */
export abstract class Owners {
  /** False for an id that nothing shows yet. Throws a problem if the owner can't be read now. */
  abstract isForeign(noun: StoredNoun, id: string, caller: Caller): Promise<boolean>;
}

/** Reads the owners from the databases. */
export class StoredOwners extends Owners {
  readonly #reads: Reads;

  constructor(reads: Reads) {
    super();
    this.#reads = reads;
  }

  isForeign(noun: StoredNoun, id: string, caller: Caller): Promise<boolean> {
    return storedObjects[noun].isForeign(this.#reads, caller, id);
  }
}
