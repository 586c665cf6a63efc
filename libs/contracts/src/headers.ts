/** HTTP headers of ours and the standard ones that a client and a service must spell alike. */
export const headers = {
  /** Both ways: how far a reader must see, and how far an answer does. */
  position: 'EcoMarket-Position',
  /** Node that answered a read, such as `g1-2 (replica)`. */
  source: 'EcoMarket-Source',
  /** Greatest `EcoMarket-Lag-Ms` that a reader takes. */
  lagMsMax: 'EcoMarket-Max-Lag-Ms',
  /** Age in ms of the oldest batch that the answering node has not shown, or `LAG_UNKNOWN`; 0 on a reachable primary. */
  lagMs: 'EcoMarket-Lag-Ms',
  /** Both ways: the highest stamp seen of a cart; what is sent with it is later than that. */
  stamp: 'EcoMarket-Stamp',
  /** `local`: accepted into a local journal, not yet confirmed by the brokers. */
  durability: 'EcoMarket-Durability',
  /** IANA time zone in which the days of an answer are cut. */
  timeZone: 'EcoMarket-Time-Zone',
  correlationId: 'X-Correlation-Id',
  idempotencyKey: 'Idempotency-Key',
  prefer: 'Prefer',
  preferenceApplied: 'Preference-Applied',
  retryAfter: 'Retry-After',
  /** The next page of a list that is no JSON (RFC 8288). */
  link: 'Link',
  /** `true`: the answer was given before, to an earlier sending of the same request. */
  idempotentReplayed: 'Idempotent-Replayed',
} as const;

/** Value of `EcoMarket-Lag-Ms` when the lag can't be known: the answer may have any age. */
export const LAG_UNKNOWN = 'unknown';

/** What the API documents say about headers of responses. */
export const headerDescriptions: Readonly<Record<string, string>> = {
  [headers.position]: 'How far the answer sees: send it with the next read to see at least as much',
  [headers.source]: 'Nodes that answered, each with its role',
  [headers.lagMs]:
    'Age in ms of the oldest change that the answer may lack, or `unknown` when that can not be known: then it may have ' +
    'any age. An unknown lag fulfils no `EcoMarket-Max-Lag-Ms`',
};
