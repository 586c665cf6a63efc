import type { Change } from '@eco/contracts';
import fc from 'fast-check';
import { daysOf } from './statistics.consumer.js';

const commandId = '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e';
const confirmed = (at: string, branchId: string | null, quantities: number[], totalCents: number): Change => ({
  type: 'order.confirmed',
  seq: 1,
  n: 1,
  commandId,
  at,
  data: {
    orderId: commandId,
    status: 'confirmed',
    customerId: 'ana',
    branchId,
    totalCents,
    lines: quantities.map((quantity, index) => ({ productId: `p${index}`, name: 'P', quantity, unitPriceCents: 1 })),
  },
});
const registered = (registeredAt: string, branchId: string | null): Change => ({
  type: 'customer.registered',
  seq: 1,
  n: 1,
  commandId,
  at: registeredAt,
  data: { customerId: 'ana', name: 'Ana', email: 'ana@example.com', branchId, registeredAt },
});

describe('daysOf', () => {
  it('counts by day and branch, Central apart, and leaves rejected orders out', () => {
    const rejected: Change = {
      ...confirmed('2026-11-24T10:00:00.000Z', null, [], 0),
      type: 'order.rejected',
      data: {
        orderId: commandId,
        status: 'rejected',
        customerId: 'ana',
        branchId: null,
        short: [],
        unknownProducts: [],
      },
    };
    expect(
      daysOf([
        confirmed('2026-11-24T23:59:59.999Z', null, [2, 3], 500),
        confirmed('2026-11-25T00:00:00.000Z', null, [1], 100),
        confirmed('2026-11-24T09:00:00.000Z', 'sucursal-1', [4], 400),
        registered('2026-11-24T09:00:00.000Z', 'sucursal-1'),
        rejected,
      ]),
    ).toEqual([
      { day: '2026-11-24', branchId: 'sucursal-1', registrations: 1, sales: 1, units: 4, revenueCents: 400 },
      { day: '2026-11-24', branchId: '', registrations: 0, sales: 1, units: 5, revenueCents: 500 },
      { day: '2026-11-25', branchId: '', registrations: 0, sales: 1, units: 1, revenueCents: 100 },
    ]);
  });

  it('adds up to the same however the changes are cut into pages', () => {
    const change = fc.record({ day: fc.integer({ min: 1, max: 3 }), cents: fc.nat(1000) });
    fc.assert(
      fc.property(fc.array(change), fc.nat(20), (changes, cut) => {
        const all = changes.map(({ day, cents }) => confirmed(`2026-11-0${day}T00:00:00.000Z`, null, [1], cents));
        const sum = (days: ReturnType<typeof daysOf>) => days.reduce((total, day) => total + day.revenueCents, 0);
        expect(sum(daysOf(all.slice(0, cut))) + sum(daysOf(all.slice(cut)))).toBe(sum(daysOf(all)));
      }),
    );
  });
});
