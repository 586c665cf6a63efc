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
  /** Version of a product, as `"3"` (RFC 9110). */
  etag: 'ETag',
  ifMatch: 'If-Match',
  /** Link to the next page of a list in a format other than JSON (RFC 8288). */
  link: 'Link',
  /** `true`: this response repeats that of an earlier identical request. */
  idempotentReplayed: 'Idempotent-Replayed',
} as const;

/** Value of `EcoMarket-Lag-Ms` if the lag is unknown, so that the data may have any age. */
export const LAG_UNKNOWN = 'unknown';

interface HeaderDocument {
  readonly description: string;
  readonly schema: { readonly type: 'string' | 'integer'; readonly [key: string]: unknown };
  /** True: each response that names the header has it. */
  readonly required?: true;
}

const seconds = { type: 'integer', minimum: 1, examples: [2] } as const;

/** Response headers in the API documents. */
export const headerDocuments: Readonly<Record<string, HeaderDocument>> = {
  [headers.position]: {
    description:
      'How far the answer sees: send it with the next read to see at least as much. Absent: no group has decided anything yet',
    schema: { type: 'string', examples: ['g1=7.1f0c5e9a.1234'] },
  },
  [headers.etag]: {
    description: 'Version of the product: send it as `If-Match` with a change, which then undoes no other change',
    schema: { type: 'string', examples: ['"7"'] },
  },
  [headers.source]: {
    description: 'Nodes that answered, each with its role',
    schema: { type: 'string', examples: ['g1-2 (replica)'] },
  },
  [headers.lagMs]: {
    description:
      'Age in ms of the oldest change that the answer may lack, or `unknown` when that can not be known: then it may have ' +
      'any age. An unknown lag fulfils no `EcoMarket-Max-Lag-Ms`',
    schema: { type: 'string', pattern: '^([0-9]+|unknown)$', examples: ['12'] },
  },
  [headers.stamp]: {
    description:
      'The highest stamp of the cart: send it with the next edit, so that the edit is later. Absent: no edit yet',
    schema: { type: 'string' },
  },
  [headers.durability]: {
    description: '`local`: on the disk of this machine until the brokers can be reached. Absent: the brokers have it',
    schema: { type: 'string', const: 'local' },
  },
  [headers.timeZone]: {
    description: 'IANA time zone of the days in the answer',
    schema: { type: 'string', examples: ['America/Mexico_City'] },
  },
  [headers.correlationId]: {
    description: 'Id of the request in logs. The log also has the one that the client sent under this name',
    schema: { type: 'string', examples: ['0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e'] },
    required: true,
  },
  [headers.preferenceApplied]: {
    description: 'The preference that was honoured (RFC 7240)',
    schema: { type: 'string', examples: ['wait=5'] },
  },
  [headers.retryAfter]: { description: 'Seconds after which a repeat makes sense', schema: seconds },
  [headers.link]: {
    description: 'The next page of a list as CSV with a `limit` (RFC 8288). Absent: it is the last, or not such a list',
    schema: { type: 'string', examples: ['<?limit=100&after=cafe-premium>; rel="next"'] },
  },
  [headers.idempotentReplayed]: {
    description: '`true`: this response repeats that of an earlier request with the same `Idempotency-Key`',
    schema: { type: 'string', const: 'true' },
  },
  Location: {
    description: 'Path of what the request made, or where its outcome can be read',
    schema: { type: 'string', format: 'uri-reference', examples: ['/orders/0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e'] },
    required: true,
  },
  'WWW-Authenticate': {
    description: 'How to authenticate (RFC 6750)',
    schema: { type: 'string', examples: ['Bearer error="invalid_token"'] },
  },
};
