/**
 * How the publishing of a command ended. In order of what is known of it:
 *
 * - `confirmed`: a majority of the brokers has it in the queue.
 * - `returned`: no queue takes it. It is nowhere. Topology is missing; trying again helps once that is repaired.
 * - `refused`: the broker closed the channel over it. It is nowhere. Only when nothing else was under way on the channel:
 *   else nobody can tell whose fault it was, and all of it is `unconfirmed`.
 * - `unrouted`: it was not sent; its group is not known, since no database has been seen. It is nowhere.
 * - `disconnected`: it was not sent; there is no connection to a broker. It is nowhere.
 * - `full`: it was not sent; nothing goes out now and nothing more may wait. It is nowhere. The reasons:
 *   `blocked`: the cluster has an alarm; `stalled`: an earlier message to this queue still lacks its confirm past its
 *   deadline; `memory`: as much waits as may wait; `deadline`: its turn did not come in time.
 * - `nacked`: a broker failed with it. It may be in the queue.
 * - `unconfirmed`: it was sent; no confirm came before the deadline, or the connection was lost. It may be in the queue.
 *
 * Whatever may be in the queue is tried again under the same id.
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

/** True: it was not confirmed, and yet it may be done. */
export function mayHaveArrived(outcome: PublishOutcome): boolean {
  return outcome.type === 'nacked' || outcome.type === 'unconfirmed';
}
