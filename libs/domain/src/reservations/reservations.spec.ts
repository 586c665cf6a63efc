import fc from 'fast-check';
import {
  changeData,
  HOLD_SECONDS_COUNTED_MIN,
  OPEN_RESERVATIONS_MAX,
  outcomeResults,
  UNIT_SECONDS_MAX,
} from '@eco/contracts';
import { arrivedOf, command, confirm, NOON_MS, placeOrder, reserve } from '../test/commands.js';
import { MemoryGroup } from '../test/memory-group.js';

const after = (seconds: number) => new Date(NOON_MS + seconds * 1000).toISOString();
const create = (productId: string, stock: number) =>
  command('product.create', { productId, name: productId.toUpperCase(), priceCents: 890, stock });

function stocked(): MemoryGroup {
  const group = new MemoryGroup();
  group.write(arrivedOf([create('cafe', 10), create('te', 4)]));
  return group;
}
const statuses = (group: MemoryGroup) => [...group.stored.reservations.values()].map(({ status }) => status);
const reserved = (group: MemoryGroup, productId: string) => group.stored.levels.get(`${productId}\ncentral`)?.reserved;

describe('a reservation', () => {
  it('holds all lines at their prices until it expires', () => {
    const group = stocked();
    const asked = reserve('ana', { cafe: 3, te: 1 }, { ttlSeconds: 60 });
    const { outcomes } = group.write(arrivedOf([asked]));
    const result = {
      reservationId: asked.id,
      status: 'held',
      lines: [
        { productId: 'cafe', name: 'CAFE', quantity: 3, unitPriceCents: 890 },
        { productId: 'te', name: 'TE', quantity: 1, unitPriceCents: 890 },
      ],
      totalCents: 3560,
      expiresAt: after(60),
    };
    const changed = { ...result, customerId: 'ana', branchId: null };
    expect(outcomes).toMatchObject([
      { status: 'done', result, topic: 'orders', changeType: 'reservation.created', changeData: changed },
    ]);
    expect(outcomeResults['reservation.create'].parse(outcomes[0]?.result)).toEqual(result);
    expect(changeData['reservation.created'].parse(outcomes[0]?.changeData)).toEqual(changed);
    expect([reserved(group, 'cafe'), reserved(group, 'te')]).toEqual([3, 1]);
  });

  it('names every short line and every unknown product, and then holds nothing', () => {
    const group = stocked();
    const { outcomes, movements } = group.write(
      arrivedOf([reserve('ana', { cafe: 11, te: 5, rum: 1 }), reserve('ana', { cafe: 1, rum: 1 })]),
    );
    expect(outcomes.map(({ result }) => result)).toEqual([
      {
        reason: 'stock-short',
        short: [
          { productId: 'cafe', asked: 11, available: 10 },
          { productId: 'te', asked: 5, available: 4 },
        ],
        unknownProducts: ['rum'],
      },
      { reason: 'product-unknown', unknownProducts: ['rum'] },
    ]);
    expect(movements).toEqual([]);
  });

  it('is refused while its customer has the allowed number of open ones, until one of them ends', () => {
    const group = new MemoryGroup();
    group.write(arrivedOf([create('cafe', 1_000)]));
    const make = (n: number, ttlSeconds = 600) => reserve('ana', { cafe: 1 }, { idempotencyKey: `r-${n}`, ttlSeconds });
    const made = Array.from({ length: OPEN_RESERVATIONS_MAX }, (_, n) => make(n, n === 0 ? 60 : 600));
    group.write(arrivedOf(made));
    const { replies } = group.write(arrivedOf([make(100), reserve('bo', { cafe: 1 })]));
    expect(replies).toMatchObject([
      { status: 'refused', result: { reason: 'reservations-too-many', openMax: OPEN_RESERVATIONS_MAX } },
      { status: 'done' },
    ]);
    expect(outcomeResults['reservation.create'].parse({ reason: 'reservations-too-many', openMax: 20 })).toBeDefined();

    const [first, second, third] = made;
    const ends = [
      confirm('ana', second?.id ?? '', { idempotencyKey: 'order' }),
      command('reservation.release', { reservationId: third?.id ?? '', customerId: 'ana' }),
    ];
    const next = group.write(arrivedOf([...ends, make(101), make(102), make(103)]));
    expect(next.replies.slice(2)).toMatchObject([{ status: 'done' }, { status: 'done' }, { status: 'refused' }]);
    // One of the reservations is due by now.
    group.at = after(60);
    const last = group.write(arrivedOf([make(104), make(105)]));
    expect(group.stored.reservations.get(first?.id ?? '')?.status).toBe('expired');
    expect(last.replies).toMatchObject([{ status: 'done' }, { status: 'refused' }]);
  });

  it('is refused only while its customer has the allowed number of open ones, whatever ends in between', () => {
    const step = fc.record({
      end: fc.option(fc.nat(60)),
      ttlSeconds: fc.constantFrom(1, 5, 600),
      seconds: fc.constantFrom(0, 0, 0, 1, 5),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 25, maxLength: 60 }), (steps) => {
        const group = new MemoryGroup();
        group.write(arrivedOf([create('cafe', 1_000)]));
        let now = 0;
        const ids: string[] = [];
        for (const [n, { end, ttlSeconds, seconds }] of steps.entries()) {
          group.at = after((now += seconds));
          const one = reserve('ana', { cafe: 1 }, { idempotencyKey: `${n}`, ttlSeconds });
          const open = () =>
            [...group.stored.reservations.values()].filter(
              ({ status, expiresAt }) => status === 'held' && expiresAt > group.at,
            ).length;
          const before = open();
          const ended = end === null ? undefined : ids[end];
          const wasOpen = ended !== undefined && group.stored.reservations.get(ended)?.status === 'held';
          const isOpen = wasOpen && (group.stored.reservations.get(ended)?.expiresAt ?? '') > group.at;
          const release =
            ended === undefined ? [] : [command('reservation.release', { reservationId: ended, customerId: 'ana' })];
          const { replies } = group.write(arrivedOf([...release, one]));
          const left = before - (isOpen ? 1 : 0);
          expect(replies.at(-1)).toMatchObject({ status: left < OPEN_RESERVATIONS_MAX ? 'done' : 'refused' });
          expect(open()).toBe(Math.min(left + 1, OPEN_RESERVATIONS_MAX));
          ids.push(one.id);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('is refused if its customer would hold too many units for too long, until one of the others ends', () => {
    const group = new MemoryGroup();
    group.write(arrivedOf([create('cafe', 100_000), create('te', 100_000)]));
    const make = (quantity: number, ttlSeconds: number, key: string) =>
      reserve('ana', { cafe: quantity - 1, te: 1 }, { idempotencyKey: key, ttlSeconds });
    const first = make(100, 3_600, 'first');
    const { replies } = group.write(arrivedOf([make(1_000, 3_600, 'an hour'), make(1_001, 1, 'short'), first]));
    const refusal = { reason: 'reservation-too-large', unitSecondsMax: UNIT_SECONDS_MAX, unitSecondsOpen: 0 };
    expect(replies).toMatchObject([
      { status: 'refused', result: { ...refusal, unitSecondsAsked: 3_600_000 } },
      { status: 'refused', result: { ...refusal, unitSecondsAsked: 600_600 } },
      { status: 'done' },
    ]);
    expect(outcomeResults['reservation.create'].parse({ ...refusal, unitSecondsAsked: 600_600 })).toBeDefined();
    const next = group.write(arrivedOf([make(401, 600, 'too large'), make(400, 600, 'fits')]));
    expect(next.replies).toMatchObject([
      { status: 'refused', result: { unitSecondsOpen: 360_000, unitSecondsAsked: 240_600 } },
      { status: 'done' },
    ]);
    const ends = command('reservation.release', { reservationId: first.id, customerId: 'ana' });
    const last = group.write(arrivedOf([make(401, 600, 'before'), ends, make(600, 600, 'after')]));
    expect(last.replies).toMatchObject([{ status: 'refused' }, { status: 'done' }, { status: 'done' }]);
  });

  it('never lets a customer hold more units × seconds than allowed, and is refused only for that', () => {
    const step = fc.record({
      quantity: fc.integer({ min: 1, max: 900 }),
      ttlSeconds: fc.constantFrom(1, 600, 3_600, 86_400),
      end: fc.option(fc.nat(30)),
      seconds: fc.constantFrom(0, 0, 1, 700),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        const group = new MemoryGroup();
        group.write(arrivedOf([create('cafe', 1_000_000)]));
        let now = 0;
        const ids: string[] = [];
        const weights = () =>
          [...group.stored.reservations.values()]
            .filter(({ status, expiresAt }) => status === 'held' && expiresAt > group.at)
            .map(({ lines, createdAt, expiresAt }) => {
              const held = (Date.parse(expiresAt) - Date.parse(createdAt)) / 1000;
              return (lines[0]?.quantity ?? 0) * Math.max(held, HOLD_SECONDS_COUNTED_MIN);
            });
        const total = () => weights().reduce((sum, each) => sum + each, 0);
        for (const [n, { quantity, ttlSeconds, end, seconds }] of steps.entries()) {
          group.at = after((now += seconds));
          const ended = end === null ? undefined : ids[end];
          if (ended !== undefined) {
            group.write(arrivedOf([command('reservation.release', { reservationId: ended, customerId: 'ana' })]));
          }
          const [before, open] = [total(), weights().length];
          const one = reserve('ana', { cafe: quantity }, { idempotencyKey: `${n}`, ttlSeconds });
          const { replies } = group.write(arrivedOf([one]));
          const fits =
            before + quantity * Math.max(ttlSeconds, HOLD_SECONDS_COUNTED_MIN) <= UNIT_SECONDS_MAX &&
            open < OPEN_RESERVATIONS_MAX;
          expect(replies).toMatchObject([{ status: fits ? 'done' : 'refused' }]);
          expect(total()).toBeLessThanOrEqual(UNIT_SECONDS_MAX);
          ids.push(one.id);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('becomes an order at its own prices, and no unit moves', () => {
    const group = stocked();
    const held = reserve('ana', { cafe: 3 });
    group.write(arrivedOf([held, command('product.update', { productId: 'cafe', name: 'X', priceCents: 1 })]));
    const asked = confirm('ana', held.id);
    const { outcomes, movements, orders } = group.write(arrivedOf([asked]));
    const line = { productId: 'cafe', name: 'CAFE', quantity: 3, unitPriceCents: 890 };
    const result = { orderId: asked.id, status: 'confirmed', lines: [line], totalCents: 2670 };
    const changed = { ...result, customerId: 'ana', branchId: null, reservationId: held.id };
    expect(outcomes).toMatchObject([{ result, changeType: 'order.confirmed', changeData: changed }]);
    expect(changeData['order.confirmed'].parse(outcomes[0]?.changeData)).toEqual(changed);
    expect(orders).toMatchObject([{ orderId: asked.id, status: 'confirmed', lines: [line] }]);
    expect(movements).toEqual([]);
    expect(group.stored.reservations.get(held.id)).toMatchObject({ status: 'confirmed', orderId: asked.id });
    group.at = after(10_000);
    group.write([]);
    expect([statuses(group), reserved(group, 'cafe')]).toEqual([['confirmed'], 3]);
  });

  it('frees its units once when it is released', () => {
    const group = stocked();
    const held = reserve('ana', { cafe: 3 });
    const body = { reservationId: held.id, customerId: 'ana' };
    const { outcomes } = group.write(
      arrivedOf([
        held,
        command('reservation.release', body, { idempotencyKey: '1' }),
        command('reservation.release', body, { idempotencyKey: '2' }),
        confirm('ana', held.id),
        command('reservation.release', { ...body, customerId: 'bo' }),
      ]),
    );
    expect(outcomes.slice(1).map(({ result }) => result)).toMatchObject([
      { status: 'released', lines: [{ productId: 'cafe', quantity: 3 }] },
      { reason: 'reservation-over', reservationStatus: 'released' },
      { reason: 'reservation-over', reservationStatus: 'released' },
      { reason: 'reservation-unknown' },
    ]);
    expect([reserved(group, 'cafe'), group.stored.holds.size]).toEqual([0, 0]);
  });

  it('holds nothing when its release arrived first', () => {
    const group = stocked();
    const late = reserve('ana', { cafe: 3 });
    const body = { reservationId: late.id, customerId: 'ana' };
    group.write(arrivedOf([command('reservation.release', body)]));
    const { outcomes } = group.write(arrivedOf([late, command('reservation.release', body, { idempotencyKey: '2' })]));
    expect(outcomes.map(({ status, result }) => [status, result])).toEqual([
      ['refused', { reason: 'reservation-released' }],
      ['done', { reservationId: late.id, status: 'released', lines: [] }],
    ]);
    expect(reserved(group, 'cafe')).toBe(0);
  });
});

describe('a reservation that is due', () => {
  it('expires before the batch decides, with its own outcome, change and movements', () => {
    const group = stocked();
    const held = reserve('ana', { cafe: 10, te: 2 }, { ttlSeconds: 60 });
    group.write(arrivedOf([held]));
    group.at = after(59.999);
    const early = placeOrder('bo', { cafe: 10 }, { idempotencyKey: '1' });
    expect(group.write(arrivedOf([early])).outcomes).toMatchObject([{ status: 'refused' }]);
    group.at = after(60);
    const order = placeOrder('bo', { cafe: 10 }, { idempotencyKey: '2' });
    const { outcomes, movements, replies } = group.write(arrivedOf([order, confirm('ana', held.id)]));
    expect(outcomes).toMatchObject([
      {
        kind: 'reservation.expire',
        status: 'done',
        result: { reservationId: held.id, status: 'expired' },
        changeType: 'reservation.expired',
      },
      { commandId: order.id, status: 'done' },
      { result: { reason: 'reservation-over', reservationStatus: 'expired' } },
    ]);
    expect(replies).toHaveLength(2);
    expect(outcomeResults['reservation.expire'].parse(outcomes[0]?.result)).toEqual(outcomes[0]?.result);
    expect(changeData['reservation.expired'].parse(outcomes[0]?.changeData)).toEqual(outcomes[0]?.changeData);
    const expiry = outcomes[0]?.commandId;
    expect(movements.map(({ movement, productId, commandId }) => [movement, productId, commandId])).toEqual([
      ['released', 'cafe', expiry],
      ['reserved', 'cafe', order.id],
      ['released', 'te', expiry],
    ]);
  });

  it('expires when it is due, and a client’s command can’t expire it', () => {
    const group = stocked();
    const held = reserve('ana', { cafe: 10 }, { ttlSeconds: 60 });
    const expire = command('reservation.expire', { reservationId: held.id, customerId: 'ana' });
    expect(group.write(arrivedOf([held, expire])).deadLetters).toMatchObject([{ errorClass: 'forbidden' }]);
    group.at = after(60);
    expect(group.write([]).outcomes).toMatchObject([
      { kind: 'reservation.expire', status: 'done', sender: 'writer.g1' },
    ]);
    expect([statuses(group), reserved(group, 'cafe')]).toEqual([['expired'], 0]);
  });
});
