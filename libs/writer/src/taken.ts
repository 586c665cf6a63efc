import type { Arrived } from '@eco/domain';

/** A command that was taken from a queue and is not settled. */
export interface Taken {
  readonly arrived: Arrived;
  /** Commands of one queue are settled in order. */
  readonly queue: string;
  /** Deliveries before this one, as counted by the queue. */
  readonly deliveryCount: number;
}
