import type { Arrived } from '@eco/domain';

/** A command that was taken from a queue and is not settled. */
export interface Taken {
  readonly arrived: Arrived;
  /** Commands of one queue are settled in order. */
  readonly queue: string;
  /** Deliveries before this one, as counted by the queue. */
  readonly deliveryCount: number;
  /** Length of a message that is not read yet, bytes. The command stands for all of it. Undefined: it is read. */
  readonly unreadBytes?: number;
}
