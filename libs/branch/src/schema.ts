import type { DatabaseSync } from 'node:sqlite';
import { KEPT_TABLES, openDurable, OUTBOX_TABLES, type FileKind } from '@eco/journal';

/** Name of the database in the folder of a branch. */
export const DATABASE = 'branch.sqlite';

/** The database of a branch is not available. One line: which one, why, and what to do. */
export class BranchDatabaseError extends Error {
  override readonly name = 'BranchDatabaseError';
}

/*
 * Times are RFC 3339 by the branch's clock, money is in cents, and lines and payments are JSON: they are read whole and
 * never changed. An entry of the outbox has the same transaction as what it reports.
 */
const TABLES = `
  ${OUTBOX_TABLES};
  ${KEPT_TABLES};

  -- The branch itself: one row.
  CREATE TABLE branch (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    branch_id TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    -- Number of the last entry of this incarnation.
    sequence INTEGER NOT NULL,
    standing TEXT NOT NULL CHECK (standing = 'waiting' OR standing = 'ready'),
    is_frozen INTEGER NOT NULL,
    -- Whether a backup was restored, so that people know why the branch waits.
    is_restored INTEGER NOT NULL,
    -- Grows with each transaction. The counter file has a copy, and so shows whether this database is an older one.
    writes INTEGER NOT NULL,
    contact_at TEXT,
    -- The last restore of the head office's database that the branch knows.
    home_epoch TEXT
  ) STRICT;

  CREATE TABLE products (
    product_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    price_cents INTEGER NOT NULL,
    -- NULL: the chain's default rate.
    tax_basis_points INTEGER,
    version INTEGER NOT NULL,
    is_deleted INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE quotas (
    product_id TEXT PRIMARY KEY,
    granted INTEGER NOT NULL,
    spent INTEGER NOT NULL CHECK (spent >= 0),
    -- The last guard against overselling.
    CHECK (granted >= spent)
  ) STRICT, WITHOUT ROWID;

  -- Grants, and goods that people have sent: each is received once.
  CREATE TABLE transfers (
    transfer_id TEXT PRIMARY KEY,
    product_id TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('sent', 'granted')),
    status TEXT NOT NULL CHECK (status IN ('expected', 'received')),
    at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX transfers_expected ON transfers (product_id) WHERE status = 'expected';

  -- Units that the branch has asked for and not got: one request for each product.
  CREATE TABLE fetches (
    product_id TEXT PRIMARY KEY,
    transfer_id TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    asked_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Units sold by day (UTC), from which the branch decides how many it asks for.
  CREATE TABLE sold_units (
    product_id TEXT NOT NULL,
    day TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    PRIMARY KEY (product_id, day)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE tills (
    till TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    registered_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- The last receipt number of each till, series and incarnation.
  CREATE TABLE receipts (
    till TEXT NOT NULL,
    series TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (till, series, incarnation)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE shifts (
    n INTEGER PRIMARY KEY,
    shift_id TEXT NOT NULL UNIQUE,
    till TEXT NOT NULL REFERENCES tills,
    opened_at TEXT NOT NULL,
    opened_by TEXT,
    closed_at TEXT,
    counted_cents INTEGER,
    figures TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX shifts_open ON shifts (till) WHERE closed_at IS NULL;

  CREATE TABLE sales (
    n INTEGER PRIMARY KEY,
    sale_id TEXT NOT NULL UNIQUE,
    request_hash TEXT NOT NULL,
    receipt_number TEXT NOT NULL UNIQUE,
    till TEXT NOT NULL REFERENCES tills,
    shift_id TEXT NOT NULL,
    sold_at TEXT NOT NULL,
    customer_id TEXT,
    sold_by TEXT,
    lines TEXT NOT NULL,
    payment TEXT NOT NULL,
    total_cents INTEGER NOT NULL,
    is_late INTEGER NOT NULL,
    voided_at TEXT,
    void_reason TEXT
  ) STRICT;
  -- Statistics read the index alone.
  CREATE INDEX sales_by_time ON sales (sold_at, voided_at, total_cents);

  CREATE TABLE returns (
    n INTEGER PRIMARY KEY,
    return_id TEXT NOT NULL UNIQUE,
    sale_id TEXT,
    till TEXT NOT NULL REFERENCES tills,
    shift_id TEXT NOT NULL,
    returned_at TEXT NOT NULL,
    reason TEXT NOT NULL,
    refund TEXT NOT NULL CHECK (refund IN ('cash', 'card')),
    refund_cents INTEGER NOT NULL,
    lines TEXT NOT NULL
  ) STRICT;
  CREATE INDEX returns_of_sale ON returns (sale_id) WHERE sale_id IS NOT NULL;
  CREATE INDEX returns_by_time ON returns (returned_at);

  CREATE TABLE back_orders (
    n INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    customer_id TEXT NOT NULL,
    placed_at TEXT NOT NULL,
    lines TEXT NOT NULL,
    status TEXT NOT NULL,
    decision TEXT,
    decided_at TEXT
  ) STRICT;

  -- Requests by id, except sales, so that a repeated request gets the first response.
  CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    result TEXT NOT NULL,
    at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- How far the branch has applied the changes of each topic.
  CREATE TABLE cursors (
    topic TEXT PRIMARY KEY,
    cursor TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Changes of quotas that were applied. A cursor may be set back after a failover of the head office's database.
  CREATE TABLE applied (
    command_id TEXT NOT NULL,
    type TEXT NOT NULL,
    PRIMARY KEY (command_id, type)
  ) STRICT, WITHOUT ROWID`;

const BRANCH_FILE: FileKind = {
  noun: "the branch's database",
  version: 2,
  tables: TABLES,
  upgrades: [`${KEPT_TABLES}; ALTER TABLE branch ADD COLUMN home_epoch TEXT`],
  mayHold: 'sales that the head office does not have may be in it',
  error: BranchDatabaseError,
};

/** Throws a `BranchDatabaseError` if it is no database of this version. */
export function openBranchFile(file: string): DatabaseSync {
  return openDurable(file, BRANCH_FILE);
}
