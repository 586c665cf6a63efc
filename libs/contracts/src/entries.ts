import { z } from 'zod';
import { branchIdSchema } from './primitives.js';

/**
 * Place of an entry in the log of a branch. A branch numbers everything that it records, without gaps, and sends it in
 * this order. A branch whose database was restored from a backup begins a new incarnation at sequence 1.
 *
 * Two entries with the same place, or an entry of a former incarnation after a later one has reported, show that two
 * databases run as the same branch. Both entries are booked, and the branch gets no more units until a manager has
 * found out why.
 */
export const entryFields = {
  branchId: branchIdSchema,
  incarnation: z.number().int().min(1),
  sequence: z.number().int().min(1),
};
