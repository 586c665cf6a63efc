import type { Shift } from '@eco/branch';
import { expectedCents } from '@eco/till';

/** The X report of an open shift, or the Z report of a closed one. */
export function shiftBody({ shiftId, till, openedAt, closedAt, countedCents, figures }: Shift) {
  const expected = expectedCents(figures);
  return {
    shiftId,
    till,
    report: closedAt === null ? 'X' : 'Z',
    openedAt,
    closedAt,
    ...figures,
    expectedCents: expected,
    countedCents,
    differenceCents: countedCents === null ? null : countedCents - expected,
  };
}
