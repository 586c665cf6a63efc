/**
 * The end of an attempt to publish a command:
 * - `confirmed`: a majority of the brokers has it in the queue.
 * - `returned`: no queue takes it. It is nowhere. The topology is incomplete; a retry helps only once that is repaired.
 * - `refused`: the broker closed the channel over it. It is nowhere. This requires that nothing else was in flight on
 *   the channel; otherwise the culprit is unknown and all of it is `unconfirmed`.
 * - `unrouted`: it was not sent, because its group is not known: no database has been reached yet. It is nowhere.
 * - `disconnected`: it was not sent, because there is no connection to a broker. It is nowhere.
 * - `full`: it was not sent, because nothing can be sent now and nothing more may wait. It is nowhere. Reasons:
 *   `blocked`: the cluster has an alarm; `stalled`: an earlier message to this queue lacks its confirm past its
 *   deadline; `memory`: the limit of waiting commands is reached; `deadline`: its turn did not come in time.
 * - `nacked`: the queue is full, or a broker failed to store it. It may be in the queue.
 * - `unconfirmed`: it was sent, and no confirm came before the deadline or the loss of the connection. It may be in the
 *   queue.
 *
 * Commands that may be in the queue are retried under the same id.
 */
export type PublishOutcome =
  | { type: 'confirmed' }
  | { type: 'returned' }
  | { type: 'refused'; code: number; reason: string }
  | { type: 'unrouted' }
  | { type: 'disconnected' }
  | { type: 'full'; reason: 'blocked' | 'stalled' | 'memory' | 'deadline' }
  | { type: 'nacked' }
  | { type: 'unconfirmed'; reason: 'deadline' | 'connection-lost' };

/** True: the command was not confirmed, but a queue may have it. */
export function mayHaveArrived(outcome: PublishOutcome): boolean {
  return outcome.type === 'nacked' || outcome.type === 'unconfirmed';
}
