import type { Stamp } from '@eco/contracts';

/** Learns the highest stamp that a cart shows. Commands of this process then get later stamps. */
export abstract class CartStamps {
  abstract noteStamp(customerId: string, stamp: Stamp): void;
}

/** Stamps of a process that sends no commands. */
export const NO_COMMANDS: CartStamps = { noteStamp: () => undefined };
