import fc from 'fast-check';
import { FETCH_DEFAULTS, quantityToFetch } from './fetch-rule.js';

const online = { mayFetch: true, remaining: 0, onTheWay: 0, soldPerDay: 0 };

describe('the rule by which a holder asks for units', () => {
  it.each([
    ['nothing is there', { ...online }, 10],
    ['half is left', { ...online, remaining: 5 }, 5],
    ['more than half is left', { ...online, remaining: 6 }, 0],
    ['enough is on the way', { ...online, remaining: 1, onTheWay: 5 }, 0],
    ['much is sold', { ...online, remaining: 20, soldPerDay: 33.4 }, 81],
    ['it has more than its aim', { ...online, remaining: 400, soldPerDay: 33.4 }, 0],
    ['its home cannot be reached', { ...online, mayFetch: false }, 0],
    ['very much is sold', { ...online, soldPerDay: 1e9 }, 10_000],
  ])('if %s', (_state, state, quantity) => {
    expect(quantityToFetch(state)).toBe(quantity);
  });

  it('asks for nothing by a setting', () => {
    expect(quantityToFetch(online, { ...FETCH_DEFAULTS, leastUnits: 0 })).toBe(0);
  });

  it('never asks for more than its aim, and not again while an answer is on its way', () => {
    const units = fc.nat(1000);
    fc.assert(
      fc.property(units, units, units, units, fc.double({ min: 0, max: 1, noNaN: true }), (...fields) => {
        const [remaining, onTheWay, soldPerDay, leastUnits, lowShare] = fields;
        const settings = { ...FETCH_DEFAULTS, leastUnits, lowShare };
        const state = { mayFetch: true, remaining, onTheWay, soldPerDay };
        const quantity = quantityToFetch(state, settings);
        const aim = Math.max(leastUnits, soldPerDay * FETCH_DEFAULTS.coverDays);
        if (quantity > 0) expect(remaining + onTheWay + quantity).toBeLessThanOrEqual(aim);
        const asked = { ...state, onTheWay: onTheWay + quantity };
        if (quantity === aim - remaining - onTheWay && lowShare < 1) expect(quantityToFetch(asked, settings)).toBe(0);
      }),
    );
  });
});
