import fc from 'fast-check';
import { takeFairly, type DeliverySource } from './command-consumer.js';
import type { Delivery } from './delivery.js';

/** A queue; each number is a message with that many commands. */
function source(queue: string, commandCounts: number[]): DeliverySource & { left: Delivery[] } {
  const left = commandCounts.map((commandCount, tag) => ({ queue, commandCount, receipt: { tag } }) as Delivery);
  return { left, peek: () => left[0], take: () => left.shift() };
}

const ones = (count: number) => new Array<number>(count).fill(1);
const commandCounts = (deliveries: Delivery[]) => deliveries.map(({ commandCount }) => commandCount);

describe('takeFairly', () => {
  it('takes everything from both queues, products first', () => {
    const taken = takeFairly(source('products', [1, 1]), source('orders', [5, 5]), 100);
    expect(taken.map(({ queue }) => queue)).toEqual(['products', 'products', 'orders', 'orders']);
  });

  it('reserves half for orders when both queues have a backlog', () => {
    const taken = takeFairly(source('products', ones(20)), source('orders', ones(20)), 10);
    expect(taken.filter(({ queue }) => queue === 'products')).toHaveLength(5);
    expect(taken.filter(({ queue }) => queue === 'orders')).toHaveLength(5);
  });

  it('gives the whole batch to products when no order waits', () => {
    expect(takeFairly(source('products', ones(20)), source('orders', []), 10)).toHaveLength(10);
  });

  it('takes a message that exceeds the limit alone', () => {
    expect(commandCounts(takeFairly(source('products', []), source('orders', [256, 1]), 100))).toEqual([256]);
  });

  it('otherwise never exceeds the limit, takes a message whenever one waits, and keeps queue order', () => {
    const backlog = fc.array(fc.integer({ min: 1, max: 256 }), { maxLength: 20 });
    fc.assert(
      fc.property(backlog, backlog, fc.integer({ min: 1, max: 1000 }), (products, orders, maxCommands) => {
        const [first, second] = [source('products', products), source('orders', orders)];
        const taken = takeFairly(first, second, maxCommands);
        const commands = commandCounts(taken).reduce((sum, count) => sum + count, 0);
        expect(taken.length > 1 ? commands : 0).toBeLessThanOrEqual(maxCommands);
        expect(taken.length > 0).toBe(products.length + orders.length > 0);
        for (const [queue, all, { left }] of [
          ['products', products, first],
          ['orders', orders, second],
        ] as const) {
          const ofQueue = taken.filter((delivery) => delivery.queue === queue);
          expect([...commandCounts(ofQueue), ...commandCounts(left)]).toEqual(all);
        }
      }),
    );
  });
});
