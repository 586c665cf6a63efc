import { WritePath1795500000000 } from './1795500000000-write-path.js';
import { Consumers1795500000001 } from './1795500000001-consumers.js';
import { Inventory1795600000000 } from './1795600000000-inventory.js';
import { Queries1795600000001 } from './1795600000001-queries.js';
import { DeadLetters1795700000000 } from './1795700000000-dead-letters.js';
import { SuspectTries1796000000300 } from './1796000000300-suspect-tries.js';
import { ProgressInBatch1796000000400 } from './1796000000400-progress-in-batch.js';
import { OrderedCartItems1796000000600 } from './1796000000600-ordered-cart-items.js';
import { Retention1796000000800 } from './1796000000800-retention.js';

/*
 * Rules for a migration. It may run while services do, and PostgreSQL replays an ACCESS EXCLUSIVE lock on replicas for as
 * long as its transaction lasts: reads behind it time out, on every node at once. `migrations.spec.ts` looks for breaches
 * in tables that grow with each command.
 *
 * - Under ACCESS EXCLUSIVE (most of ALTER TABLE) only the catalogue changes: a column without a default, or with one that
 *   is not volatile. No new type, no SET NOT NULL, no data, in the same transaction.
 * - A constraint comes as NOT VALID, and a later migration of its own does VALIDATE CONSTRAINT, which stops nobody.
 * - An index comes by CREATE INDEX CONCURRENTLY, in a migration of its own with `transaction = false as const`.
 * - Data is rewritten in parts, each of some seconds; or by the writer, which may write these tables.
 * - A lock that can't be had within a second is given up and asked for again (`prepare-group.ts`).
 */

/** In the order in which they run. */
export const migrations = [
  WritePath1795500000000,
  Consumers1795500000001,
  Inventory1795600000000,
  Queries1795600000001,
  DeadLetters1795700000000,
  SuspectTries1796000000300,
  ProgressInBatch1796000000400,
  OrderedCartItems1796000000600,
  Retention1796000000800,
];
