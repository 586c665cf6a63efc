import { headers, outcomeStatusSchema, refusalSchema, type Reply } from '@eco/contracts';
import { ProblemError } from '@eco/service';
import type { Settlement, Submission } from '@eco/intake';
import { responseOf, doneResponseOf } from './command-response.js';

const commandId = '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e';
const position = 'g1=3.1f0c5e9a.42';

type OutcomeReply = Extract<Reply, { type: 'outcome' }>;
const outcome = (
  status: OutcomeReply['status'],
  result: OutcomeReply['result'] = {},
  repeated = false,
): Submission => ({
  type: 'answered',
  position,
  reply: { type: 'outcome', commandId, status, repeated, result },
});

/** The problem that `responseOf` throws. */
function problemOf(submission: Submission): ProblemError {
  return thrownBy(() => responseOf(submission, commandId, 5));
}

function thrownBy(work: () => unknown): ProblemError {
  try {
    work();
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  throw new Error('no problem was thrown');
}

it('returns accepted and done to the caller, with their headers', () => {
  expect(responseOf({ type: 'accepted' }, commandId, undefined)).toEqual({ type: 'accepted', headers: {} });
  expect(responseOf({ type: 'accepted' }, commandId, 5)).toEqual({
    type: 'accepted',
    headers: { [headers.preferenceApplied]: 'wait=5' },
  });
  expect(responseOf(outcome('done', { applied: true }), commandId, undefined)).toEqual({
    type: 'done',
    result: { applied: true },
    headers: { [headers.position]: position },
  });
  expect(responseOf(outcome('done', {}, true), commandId, 5).headers).toEqual({
    [headers.position]: position,
    [headers.preferenceApplied]: 'wait=5',
    [headers.idempotentReplayed]: 'true',
  });
});

it.each([
  [outcome('refused', { status: 'rejected' }), 409, 'order-rejected'],
  [outcome('refused', { reason: 'order-rejected' }), 409, 'order-rejected'],
  [outcome('refused', { reason: 'cart-empty' }), 409, 'cart-empty'],
  [outcome('refused', { reason: 'customer-exists' }), 409, 'customer-exists'],
  [outcome('refused', { reason: 'product-exists' }), 409, 'product-exists'],
  [outcome('refused', { reason: 'product-unknown' }), 404, 'product-unknown'],
  [outcome('expired'), 409, 'command-expired'],
  [outcome('discarded'), 409, 'command-discarded'],
  [{ type: 'answered', position, reply: { type: 'key-conflict', commandId } }, 422, 'key-conflict'],
  [{ type: 'answered', position, reply: { type: 'dead-letter', commandId, reason: '22003' } }, 500, 'dead-letter'],
  [{ type: 'not-accepted', obstacle: 'no queue takes it' }, 503, 'not-accepted'],
  [{ type: 'acceptance-unknown', obstacle: 'no confirm came' }, 503, 'acceptance-unknown'],
] satisfies [Submission, number, string][])('answers %j by %d %s', (submission, status, name) => {
  expect(problemOf(submission)).toMatchObject({ status, problem: name });
});

it('has a row for every status and every reason of the contract', () => {
  const statuses = outcomeStatusSchema.options.filter((status) => status !== 'done' && status !== 'refused');
  const all = [
    ...statuses.map((status) => outcome(status)),
    ...refusalSchema.shape.reason.options.map((reason) => outcome('refused', { reason })),
  ];
  for (const submission of all) expect(problemOf(submission).problem).not.toBe('internal');
});

it('answers a reason that only a newer writer knows as a refusal, with the reason and its details', () => {
  const thrown = problemOf(outcome('refused', { reason: 'order-on-hold', heldBy: 'fraud' }));
  expect(thrown).toMatchObject({ status: 409, problem: 'command-refused' });
  expect(thrown.details.members).toEqual({ commandId, reason: 'order-on-hold', heldBy: 'fraud' });
});

it('reports all members of a refusal, and overwrites none of the problem’s own', () => {
  const short = [{ productId: 'cafe', asked: 5, available: 2 }];
  const rejected = { orderId: commandId, status: 'rejected', short, unknownProducts: ['te'] };
  expect(problemOf(outcome('refused', rejected, true)).details).toEqual({
    headers: {
      [headers.position]: position,
      [headers.preferenceApplied]: 'wait=5',
      [headers.idempotentReplayed]: 'true',
    },
    members: { commandId, orderId: commandId, short, unknownProducts: ['te'] },
  });
});

it('states when to retry, and that a repeat does no harm, when acceptance is unknown', () => {
  const { details } = problemOf({ type: 'acceptance-unknown', obstacle: 'no confirm came' });
  expect(details.headers).toEqual({ [headers.retryAfter]: '2' });
  expect(details.detail).toContain('same Idempotency-Key');
  expect(details.members).toEqual({ commandId });
});

describe('a command that is decided within its request', () => {
  it('is done, or a problem', () => {
    expect(doneResponseOf(outcome('done', { delta: 3 }) as Settlement, commandId, undefined)).toEqual({
      type: 'done',
      result: { delta: 3 },
      headers: { [headers.position]: position },
    });
  });

  it.each([
    [outcome('refused', { reason: 'stock-short' }), 409, 'stock-short', undefined],
    [outcome('refused', { reason: 'location-unknown' }), 404, 'location-unknown', undefined],
    [outcome('expired'), 503, 'not-done', '2'],
    [{ type: 'not-done' }, 503, 'not-done', '2'],
    [{ type: 'not-accepted', obstacle: 'the group has stalled' }, 503, 'not-accepted', '2'],
    [{ type: 'outcome-unknown' }, 504, 'outcome-unknown', undefined],
  ] as [Settlement, number, string, string | undefined][])('answers %j by %d %s', (settlement, status, name, after) => {
    const thrown = thrownBy(() => doneResponseOf(settlement, commandId, 5));
    expect(thrown).toMatchObject({ status, problem: name });
    expect(thrown.details.headers?.[headers.retryAfter]).toBe(after);
  });

  it('states where to query the outcome when it is unknown', () => {
    const { details } = thrownBy(() => doneResponseOf({ type: 'outcome-unknown' }, commandId, 5));
    expect(details.headers).toEqual({ Location: `/commands/${commandId}` });
    expect(details.members).toEqual({ commandId });
  });
});
