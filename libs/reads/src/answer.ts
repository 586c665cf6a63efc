import { formatPosition, positionOf, type BatchPosition, type GroupPosition, type Position } from '@eco/routing';

/** Requirements of a client for a read. */
export interface ReadOptions {
  readonly position: Position;
  /** Greatest accepted lag; absent: any. */
  readonly lagMsMax?: number | undefined;
  /** `Prefer: wait`; 0: none. */
  readonly waitMs: number;
}

/** Statements of an answer about its group. */
export interface Source {
  readonly group: string;
  readonly node: string;
  readonly role: 'primary' | 'replica';
  /** Undefined while the group has never had a writer. */
  readonly position: GroupPosition | undefined;
  readonly seq: number;
  /** Undefined: the lag is unknown, so the answer fulfils no greatest lag. */
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

/** The reason why there is no answer, in words for a person. */
export function reasonOf(failure: ReadFailure): string {
  switch (failure.type) {
    case 'no-node':
      return failure.fault;
    case 'not-fresh':
      return `No node of group ${failure.group} has reached ${requirementsOf(failure)} in time`;
    case 'too-busy':
    case 'too-slow':
      return `Group ${failure.group}: ${failure.reason}`;
    case 'bad-value':
      return failure.reason;
    case 'position-lost':
      return `${textOf(failure.group, failure.wanted)} is not in the history of group ${failure.group}`;
  }
}

function requirementsOf({ group, wanted, lagMsMax }: Extract<ReadFailure, { type: 'not-fresh' }>): string {
  return [
    ...(wanted === undefined ? [] : [textOf(group, wanted)]),
    ...(lagMsMax === undefined ? [] : [`a lag of at most ${lagMsMax} ms`]),
  ].join(' and ');
}

function textOf(group: string, position: BatchPosition): string {
  return formatPosition(positionOf([{ group, ...position }]));
}
