import { bindingDifferences, queueDifferences } from './management.js';
import { bindingDefinitions, queueDefinitions } from './topology.js';

const options = { groups: ['g1'], brokers: 3 };
const queues = queueDefinitions(options);
const bindings = bindingDefinitions(options);

function withArguments(changed: Record<string, string | number | undefined>) {
  return queues.map((queue) => {
    if (queue.name !== 'orders.g1') return queue;
    const args = Object.entries({ ...queue.arguments, ...changed }).filter(([, value]) => value !== undefined);
    return { ...queue, arguments: Object.fromEntries(args) as Record<string, string | number> };
  });
}

describe('queueDifferences', () => {
  it('finds no difference after a declaration', () => {
    expect(queueDifferences(queues, queues)).toEqual([]);
  });

  it('ignores queues of other systems', () => {
    expect(queueDifferences(queues.slice(0, 1), queues)).toEqual([]);
  });

  it.each([
    [{ 'x-delivery-limit': 20 }, 'x-delivery-limit is 20 and must be 1000000000'],
    [{ 'x-delivery-limit': undefined }, 'x-delivery-limit is not set and must be 1000000000'],
    [{ 'x-queue-type': 'classic' }, 'x-queue-type is classic and must be quorum'],
    [{ 'x-max-length': 5 }, 'x-max-length is 5 and must not be set'],
  ])('names the difference %j', (changed, fault) => {
    expect(queueDifferences(queues, withArguments(changed))).toEqual([
      `Queue orders.g1 differs: ${fault}. Empty it, delete it, then start again.`,
    ]);
  });

  it('names every violation of a queue, and every queue that is missing', () => {
    const found = withArguments({ 'x-delivery-limit': 20, 'x-max-length': 5 })
      .filter(({ name }) => name !== 'products.g1')
      .map((queue) => ({ ...queue, durable: queue.name !== 'orders.g1' }));
    expect(queueDifferences(queues, found)).toEqual([
      'Queue orders.g1 differs: durable is false and must be true; x-delivery-limit is 20 and must be 1000000000; ' +
        'x-max-length is 5 and must not be set. Empty it, delete it, then start again.',
      'Queue products.g1 is missing.',
    ]);
  });
});

describe('bindingDifferences', () => {
  it('finds no difference after a declaration, and names each missing binding', () => {
    expect(bindingDifferences(bindings, bindings)).toEqual([]);
    expect(bindingDifferences(bindings, bindings.slice(1))).toEqual([
      'Queue orders.g1 is not bound to ecomarket.commands by orders.g1.#.',
    ]);
  });
});
