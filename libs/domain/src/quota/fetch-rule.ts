/** When a holder asks for more units of a product, and for how many. */
export interface FetchSettings {
  /** Units that a holder aims at, however little it sells. 0: it asks only for products that it sells. */
  readonly leastUnits: number;
  /** Days whose sales it aims to hold. */
  readonly coverDays: number;
  /** It asks when it has at most this share of its aim, from 0 to 1. */
  readonly lowShare: number;
  /** Most units of one request. */
  readonly mostUnits: number;
}

export const FETCH_DEFAULTS: FetchSettings = { leastUnits: 10, coverDays: 3, lowShare: 0.5, mostUnits: 10_000 };

export interface FetchState {
  /** Whether the holder has taken over its levels, is not frozen, and reaches its home. */
  readonly mayFetch: boolean;
  readonly remaining: number;
  /** Units that it has asked for or that are in transit to it. */
  readonly onTheWay: number;
  /** Units sold a day, on average over the last days. */
  readonly soldPerDay: number;
}

/**
 * Units that the holder asks its home for; 0: it does not ask. Units on the way count as if they were there, so that a
 * slow answer is no reason to ask again.
 */
export function quantityToFetch(state: FetchState, settings: FetchSettings = FETCH_DEFAULTS): number {
  const { leastUnits, coverDays, lowShare, mostUnits } = settings;
  const { mayFetch, remaining, onTheWay, soldPerDay } = state;
  if (!mayFetch) return 0;
  const aim = Math.max(leastUnits, Math.ceil(soldPerDay * coverDays));
  const expected = remaining + onTheWay;
  if (aim === 0 || expected > Math.floor(aim * lowShare)) return 0;
  return Math.min(aim - expected, mostUnits);
}
