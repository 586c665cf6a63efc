import { isGroupId } from './placement.js';
import { isUuid } from './uuid.js';

/*
 * The position that a reader must see. In a header it is a list, in any order:
 *
 * EcoMarket-Position: g1=7.1f0c5e9a.1234, g2=3.c0ffee00.88, order/018bcfe5-687b-7000-8000-000000000000
 *
 * A group's entry is its term, the tag of that leadership and the number of the batch. An order's entry stands for one
 * that was accepted and is not stored yet; the id contains its bucket. Readers carry the text and need not understand
 * it.
 */

/** A place in a group's log: the leadership (term and random tag), and the number of its last batch. */
export interface BatchPosition {
  /** 0 before the first leadership. */
  readonly term: number;
  /** 8 to 36 characters, hexadecimal in lower case or a UUID. It distinguishes two leaderships with the same term. */
  readonly tag: string;
  /** Number of the batch. It continues across leaderships and is 0 before the first batch. */
  readonly seq: number;
}

export interface GroupPosition extends BatchPosition {
  readonly group: string;
}

export interface Position {
  /** At most one per group, ordered by group id. */
  readonly groups: readonly GroupPosition[];
  /** Ids of orders that were accepted and are not stored yet, ascending. */
  readonly orders: readonly string[];
}

export type ParsedPosition =
  { readonly ok: true; readonly position: Position } | { readonly ok: false; readonly violations: readonly string[] };

export const NO_POSITION: Position = Object.freeze({ groups: Object.freeze([]), orders: Object.freeze([]) });

/** Longer text is refused: a reader's merged position has one entry per group and few pending orders. */
export const POSITION_TEXT_MAX = 4096;

const GROUP_ENTRY = /^([^=]*)=([^.]*)\.([^.]*)\.([^.]*)$/;
const WHOLE_NUMBER = /^(?:0|[1-9][0-9]{0,15})$/;
const TAG = /^[0-9a-f-]{8,36}$/;
const ORDER_PREFIX = 'order/';
const SHOWN_MAX = 80;

/** A position that requires all of these entries; of a group named twice the farther one counts. */
export function positionOf(groups: readonly GroupPosition[], orders: readonly string[] = []): Position {
  const farthest = new Map<string, GroupPosition>();
  for (const { group, term, tag, seq } of groups) {
    const known = farthest.get(group);
    const entry = { group, term, tag, seq };
    if (known === undefined || compareBatchPositions(known, entry) < 0) farthest.set(group, entry);
  }
  return {
    groups: [...farthest.values()].sort((a, b) => compareText(a.group, b.group)),
    orders: [...new Set(orders)].sort(compareText),
  };
}

/** The position's requirement for this group, if any. */
export function positionIn(position: Position, group: string): GroupPosition | undefined {
  return position.groups.find((entry) => entry.group === group);
}

/**
 * Negative, 0 or positive as `a` is before, at or after `b`: by term, then seq. If two leaderships have the same term,
 * one of them was lost, and only a node's history shows which (`covers`). The tag decides last, so that merging has one
 * result. A reader that received `position-lost` drops what it held for the group and does not merge it.
 */
export function compareBatchPositions(a: BatchPosition, b: BatchPosition): number {
  return a.term - b.term || a.seq - b.seq || compareText(a.tag, b.tag);
}

/** The header's text; empty for a position that requires nothing. */
export function formatPosition(position: Position): string {
  return [
    ...position.groups.map(({ group, term, tag, seq }) => `${group}=${term}.${tag}.${seq}`),
    ...position.orders.map((id) => ORDER_PREFIX + id),
  ].join(', ');
}

/** Parses a header's text; several headers joined by commas are one list. Every violation is reported. */
export function parsePosition(text: string): ParsedPosition {
  if (text.length > POSITION_TEXT_MAX) {
    return { ok: false, violations: [`longer than ${POSITION_TEXT_MAX} characters`] };
  }
  const groups: GroupPosition[] = [];
  const orders: string[] = [];
  const violations: string[] = [];
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue;
    if (entry.startsWith(ORDER_PREFIX)) {
      const id = entry.slice(ORDER_PREFIX.length);
      if (isUuid(id)) orders.push(id.toLowerCase());
      else violations.push(`${shown(entry)}: not a UUID after ${ORDER_PREFIX}`);
      continue;
    }
    const [match, group = '', term = '', tag = '', seq = ''] = GROUP_ENTRY.exec(entry) ?? [];
    if (match === undefined) {
      violations.push(`${shown(entry)}: neither <group>=<term>.<tag>.<seq> nor ${ORDER_PREFIX}<id>`);
      continue;
    }
    const violationsBefore = violations.length;
    if (!isGroupId(group)) violations.push(`${shown(entry)}: not a group id before =`);
    if (!isWholeNumber(term)) violations.push(`${shown(entry)}: the term is not a whole number`);
    if (!TAG.test(tag)) violations.push(`${shown(entry)}: the tag is not 8 to 36 hexadecimal digits`);
    if (!isWholeNumber(seq)) violations.push(`${shown(entry)}: the seq is not a whole number`);
    if (violations.length === violationsBefore) groups.push({ group, term: Number(term), tag, seq: Number(seq) });
  }
  return violations.length > 0
    ? { ok: false, violations: violations }
    : { ok: true, position: positionOf(groups, orders) };
}

const isWholeNumber = (text: string) => WHOLE_NUMBER.test(text) && Number.isSafeInteger(Number(text));

const shown = (entry: string) => JSON.stringify(entry.length > SHOWN_MAX ? `${entry.slice(0, SHOWN_MAX)}…` : entry);

// Compares by code unit: the same everywhere, whatever the process's locale.
const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
