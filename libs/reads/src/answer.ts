import type { BatchPosition, GroupPosition, Position } from '@eco/routing';

/** What a client asks of a read. */
export interface ReadOptions {
  readonly position: Position;
  /** Greatest accepted lag; absent: any. */
  readonly lagMsMax?: number | undefined;
  /** `Prefer: wait`; 0: none. */
  readonly waitMs: number;
}

/** The group's part of an answer. */
export interface Source {
  readonly group: string;
  readonly node: string;
  readonly role: 'primary' | 'replica';
  /** Undefined while the group has never had a writer. */
  readonly position: GroupPosition | undefined;
  readonly seq: number;
  /** Undefined: unknown, so it fulfils no greatest lag. */
  readonly lagMs: number | undefined;
}

export interface GroupAnswer<Row, Extra> {
  readonly type: 'answer';
  readonly rows: Row[];
  readonly extra: Extra;
  readonly source: Source;
}

export type ReadFailure =
  | {
      readonly type: 'not-fresh';
      readonly group: string;
      readonly wanted?: BatchPosition | undefined;
      readonly lagMsMax?: number | undefined;
    }
  | { readonly type: 'position-lost'; readonly group: string; readonly wanted: BatchPosition }
  | { readonly type: 'no-node'; readonly fault: string }
  /** The limit of waiting slow reads is reached, or this one has waited too long. */
  | { readonly type: 'too-busy'; readonly group: string; readonly reason: string }
  /** The statement exceeded the node's time limit. */
  | { readonly type: 'too-slow'; readonly group: string; readonly reason: string }
  /** The database refuses a value of the request. */
  | { readonly type: 'bad-value'; readonly reason: string };
