/** HTTP headers of ours and the standard ones that a client and a service must spell alike. */
export const headers = {
  /** Both ways: how far a reader must see, and how far an answer does. */
  position: 'EcoMarket-Position',
  /** Node that answered a read, such as `g1-2 (replica)`. */
  source: 'EcoMarket-Source',
  /** Greatest `EcoMarket-Lag-Ms` that a reader takes. */
  lagMsMax: 'EcoMarket-Max-Lag-Ms',
  /** Age in ms of the oldest batch that the answering node has not shown; 0 on the primary. */
  lagMs: 'EcoMarket-Lag-Ms',
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
