import { refusals, type RefusalReason } from './outcomes.js';

/*
 * RFC 9457 problem types: the meaning of each status and what a client can do. `type` is
 * `urn:ecomarket:problem:<name>`: a URN, because no web page is certain to be reachable from a branch.
 */

interface ProblemType {
  readonly status: number;
  readonly title: string;
}

/** Problems of requests. The descriptor of a command's kind has the reasons of its refusal. */
const requestProblems = {
  'bad-input': { status: 400, title: 'The request is not valid' },
  'malformed-json': { status: 400, title: 'The body is not JSON' },
  'too-little-money': { status: 400, title: 'The customer has paid too little' },
  'card-exceeds-total': { status: 400, title: 'The card would pay more than the sale costs' },
  unauthenticated: { status: 401, title: 'The access token is missing or not valid' },
  'log-in-refused': { status: 401, title: 'The log-in name or the password is wrong' },
  'session-ended': { status: 401, title: 'The session has ended: log in again' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  'cross-site': { status: 403, title: 'A page of another site may not send this request' },
  'not-found': { status: 404, title: 'Nothing exists at this path' },
  'account-unknown': { status: 404, title: 'There is no such account' },
  'command-unknown': { status: 404, title: 'No outcome of this command is known' },
  'till-unknown': { status: 404, title: 'The branch has no such till' },
  'shift-unknown': { status: 404, title: 'There is no such shift' },
  'receipt-unknown': { status: 404, title: 'There is no such receipt' },
  'method-not-allowed': { status: 405, title: 'This path does not allow that method' },
  'command-refused': { status: 409, title: 'The command was refused for a reason that this server does not know yet' },
  'command-expired': { status: 409, title: 'The command arrived too late and was not carried out' },
  'command-discarded': { status: 409, title: 'The command became a dead letter and an operator discarded it' },
  'code-unknown': { status: 409, title: 'The code is unknown, used or expired' },
  'quota-short': { status: 409, title: 'The branch does not hold enough units' },
  'not-reconciled': { status: 409, title: 'The branch sells nothing from its quota until it has been online' },
  'no-open-shift': { status: 409, title: 'The till has no open shift' },
  'shift-open': { status: 409, title: 'The till has an open shift already' },
  'shift-closed': { status: 409, title: 'The shift is closed' },
  'sale-returned': { status: 409, title: 'Units of the sale were returned' },
  'more-than-sold': { status: 409, title: 'More units than the sale has left' },
  'till-not-named': { status: 409, title: 'The branch has several tills, so the request must name one' },
  'no-printer': { status: 409, title: 'The branch has no receipt printer' },
  'account-exists': { status: 409, title: 'Another account has this log-in name' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': {
    status: 415,
    title: 'The body must be application/json in UTF-8, without a content coding',
  },
  misdirected: { status: 421, title: 'This service is not known under the requested host name' },
  'too-many-requests': { status: 429, title: 'This client has sent too many requests' },
  'key-conflict': { status: 422, title: 'This Idempotency-Key was used for another request' },
  'too-many-attempts': { status: 429, title: 'Too many log-ins have failed' },
  'dead-letter': { status: 500, title: 'The command could not be processed and is kept for an operator' },
  internal: { status: 500, title: 'The service failed' },
  'log-in-unavailable': { status: 503, title: 'Log-in is not available now' },
  'not-accepted': { status: 503, title: 'The command was not accepted and was not carried out' },
  'printer-away': { status: 503, title: 'The receipt printer did not take the receipt' },
  'not-done': { status: 503, title: 'The command was not carried out in time and never will be' },
  'acceptance-unknown': { status: 503, title: 'It is not known whether the command was accepted' },
  'not-ready': { status: 503, title: 'The service is not ready' },
  'no-node': { status: 503, title: 'No database node can answer' },
  'not-fresh': { status: 503, title: 'No database node is as fresh as requested' },
  'too-busy': { status: 503, title: 'Too many reports are waiting' },
  'too-slow': { status: 503, title: 'The read exceeded the time limit of a database node' },
  'outcome-unknown': { status: 504, title: 'It is not known yet whether the command was carried out' },
  'position-lost': { status: 410, title: 'A failover lost a batch that the position names' },
} as const satisfies Record<string, ProblemType>;

export type ProblemName = keyof typeof requestProblems | RefusalReason;

export const problemTypes: Readonly<Record<ProblemName, ProblemType>> = { ...requestProblems, ...refusals };

export const PROBLEM_URN = 'urn:ecomarket:problem:';
