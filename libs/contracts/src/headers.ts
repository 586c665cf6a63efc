/** EcoMarket's own HTTP headers, and standard ones that client and service must spell the same way. */
export const headers = {
  /** In requests: the position that a reader must see. In responses: the position that the answer shows. */
  position: 'EcoMarket-Position',
  /** Node that answered a read, such as `g1-2 (replica)`. */
  source: 'EcoMarket-Source',
  /** Greatest `EcoMarket-Lag-Ms` that a reader accepts. */
  lagMsMax: 'EcoMarket-Max-Lag-Ms',
  /**
   * Age in ms of the oldest batch that is not visible on the answering node, or `LAG_UNKNOWN`; 0 on a reachable
   * primary.
   */
  lagMs: 'EcoMarket-Lag-Ms',
  /**
   * In a response: the highest stamp of a cart. In a request: the highest stamp that the client has seen; its command
   * gets a later one.
   */
  stamp: 'EcoMarket-Stamp',
  /** `local`: accepted into a local journal, not yet confirmed by the brokers. */
  durability: 'EcoMarket-Durability',
  /** IANA time zone of the days in a response. */
  timeZone: 'EcoMarket-Time-Zone',
  /**
   * In a request of a branch to the read-service: for whom it asks. `anonymous`, `cashier <account>`,
   * `branch-manager <account>`, or an access token.
   */
  caller: 'EcoMarket-Caller',
  correlationId: 'X-Correlation-Id',
  idempotencyKey: 'Idempotency-Key',
  prefer: 'Prefer',
  preferenceApplied: 'Preference-Applied',
  retryAfter: 'Retry-After',
  /** Link to the next page of a list in a format other than JSON (RFC 8288). */
  link: 'Link',
  /** `true`: this response repeats that of an earlier identical request. */
  idempotentReplayed: 'Idempotent-Replayed',
} as const;

/** Value of `EcoMarket-Lag-Ms` if the lag is unknown, so that the data may have any age. */
export const LAG_UNKNOWN = 'unknown';

/** Descriptions of response headers in the API documents. */
export const headerDescriptions: Readonly<Record<string, string>> = {
  [headers.position]: 'How far the answer sees: send it with the next read to see at least as much',
  [headers.source]: 'Nodes that answered, each with its role',
  [headers.lagMs]:
    'Age in ms of the oldest change that the answer may lack, or `unknown` when that can not be known: then it may have ' +
    'any age. An unknown lag fulfils no `EcoMarket-Max-Lag-Ms`',
};
