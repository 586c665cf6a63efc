import { createHash } from 'node:crypto';
import { brokerUsersOf, type BrokerUser } from '@eco/contracts';
import { bindingDefinitions, brokerDefinitions, passwordHash, queueDefinitions } from './topology.js';

const users: BrokerUser[] = [...brokerUsersOf({ branchIds: ['a.b'], groupIds: ['g1'] }), 'events.shipping'];
const passwords = new Map(users.map((name) => [name, `secret of ${name}`]));
const definitions = brokerDefinitions({ groups: ['g1', 'g2'], brokers: 3, passwords });

describe('queueDefinitions', () => {
  it('gives each group a quorum queue for orders and one for products', () => {
    expect(queueDefinitions({ groups: ['g1', 'g2'], brokers: 3 }).map(({ name }) => name)).toEqual([
      'orders.g1',
      'products.g1',
      'orders.g2',
      'products.g2',
    ]);
    expect(queueDefinitions({ groups: ['g1'], brokers: 3 })[0]).toEqual({
      name: 'orders.g1',
      vhost: 'ecomarket',
      durable: true,
      auto_delete: false,
      arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000_000, 'x-quorum-initial-group-size': 3 },
    });
  });

  it.each([
    [1, 1],
    [3, 3],
    [7, 5],
  ])('spreads a command queue of %i brokers over %i', (brokers, members) => {
    const [queue] = queueDefinitions({ groups: ['g1'], brokers });
    expect(queue?.arguments['x-quorum-initial-group-size']).toBe(members);
  });
});

describe('bindingDefinitions', () => {
  it('routes commands to the queue of their routing key', () => {
    const bindings = bindingDefinitions({ groups: ['g1'], brokers: 1 });
    expect(bindings.map(({ source, destination, routing_key }) => [source, routing_key, destination])).toEqual([
      ['ecomarket.commands', 'orders.g1.#', 'orders.g1'],
      ['ecomarket.commands', 'counter.g1.#', 'products.g1'],
      ['ecomarket.commands', 'products.g1.#', 'products.g1'],
    ]);
  });
});

describe('brokerDefinitions', () => {
  it('contains no password', () => {
    expect(JSON.stringify(definitions)).not.toContain('secret of');
  });

  it('has one administrator, and an operator who may only look', () => {
    expect(definitions.users.flatMap(({ name, tags }) => (tags === '' ? [] : [[name, tags]]))).toEqual([
      ['topology', 'administrator'],
      ['operator', 'monitoring'],
    ]);
  });

  it('restricts every user except the administrator on each exchange', () => {
    for (const user of users.filter((name) => name !== 'topology')) {
      const found = definitions.topic_permissions.filter((permission) => permission.user === user);
      expect([user, found.map(({ exchange }) => exchange)]).toEqual([user, ['ecomarket.commands', 'ecomarket.events']]);
    }
  });

  it('matches names only as a whole', () => {
    const patterns = [
      ...definitions.permissions
        .filter(({ user }) => user !== 'topology')
        .flatMap(({ configure, write, read }) => [configure, write, read]),
      ...definitions.topic_permissions.flatMap(({ write, read }) => [write, read]),
    ];
    for (const pattern of patterns) expect(pattern).toMatch(/^\^.*\$$/);
  });

  it.each<[BrokerUser, 'configure' | 'write' | 'read', string, boolean]>([
    ['central', 'read', 'events.statistics.0123abcd', false],
    ['central', 'read', 'amq.rabbitmq.reply-to', true],
    ['central', 'write', 'ecomarket.commands', true],
    ['central', 'write', 'ecomarket.events', false],
    ['central', 'configure', 'orders.g1', false],
    ['consumers', 'read', 'events.statistics.0123abcd', true],
    ['consumers', 'read', 'events.anybody.0123abcd', false],
    ['consumers', 'configure', 'events.customers.0123abcd', true],
    ['consumers', 'write', 'ecomarket.commands', false],
    ['branch.a.b', 'write', 'ecomarket.commands', true],
    ['branch.a.b', 'write', 'amq.default', false],
    ['branch.a.b', 'read', 'orders.g1', false],
    ['branch.a.b', 'read', 'amq.rabbitmq.reply-to', true],
    ['branch.a.b', 'configure', 'anything', false],
    ['writer.g1', 'read', 'orders.g1', true],
    ['writer.g1', 'read', 'products.g1', true],
    ['writer.g1', 'read', 'orders.g2', false],
    ['writer.g1', 'write', 'ecomarket.commands', false],
    ['writer.g1', 'configure', 'orders.g1', false],
    ['operator', 'read', 'orders.g1', false],
    ['events.shipping', 'configure', 'events.shipping.own-1', true],
    ['events.shipping', 'write', 'events.shipping.own-1', true],
    ['events.shipping', 'read', 'events.shipping.own-1', true],
    ['events.shipping', 'read', 'ecomarket.events', true],
    ['events.shipping', 'read', 'events.statistics.0123abcd', false],
    ['events.shipping', 'configure', 'events.shipping-2.own', false],
    ['events.shipping', 'read', 'orders.g1', false],
    ['events.shipping', 'read', 'amq.rabbitmq.reply-to', false],
    ['events.shipping', 'write', 'ecomarket.events', false],
    ['events.shipping', 'write', 'ecomarket.commands', false],
  ])('%s may %s %s: %s', (user, what, name, may) => {
    const permission = definitions.permissions.find((candidate) => candidate.user === user);
    expect(new RegExp(permission?.[what] ?? '').test(name)).toBe(may);
  });

  it.each<[BrokerUser, 'write' | 'read', string, string, boolean]>([
    ['central', 'write', 'ecomarket.commands', 'products.g1', true],
    ['central', 'write', 'ecomarket.commands', 'orders.g1.a.b', false],
    ['central', 'read', 'ecomarket.events', 'orders.*', false],
    ['consumers', 'read', 'ecomarket.events', 'orders.*', true],
    ['consumers', 'read', 'ecomarket.events', '#', false],
    ['branch.a.b', 'write', 'ecomarket.commands', 'orders.g1.a.b', true],
    ['branch.a.b', 'write', 'ecomarket.commands', 'counter.g1.a.b', true],
    ['branch.a.b', 'write', 'ecomarket.commands', 'orders.g1', false],
    ['branch.a.b', 'write', 'ecomarket.commands', 'orders.g1.b', false],
    ['branch.a.b', 'write', 'ecomarket.commands', 'orders.g1.axb', false],
    ['branch.a.b', 'write', 'ecomarket.commands', 'orders.g1.x.a.b', false],
    ['branch.a.b', 'write', 'ecomarket.commands', 'products.g1.a.b', false],
    ['dead-letter-admin', 'write', 'ecomarket.commands', 'products.g1', true],
    ['dead-letter-admin', 'write', 'ecomarket.events', 'stock.g1', false],
    ['writer.g1', 'write', 'ecomarket.events', 'stock.g1', true],
    ['writer.g1', 'write', 'ecomarket.events', 'beat.g1', true],
    ['writer.g1', 'write', 'ecomarket.events', 'other.g1', false],
    ['writer.g1', 'write', 'ecomarket.events', 'stock.g2', false],
    ['events.shipping', 'read', 'ecomarket.events', 'orders.*', true],
    ['events.shipping', 'read', 'ecomarket.events', 'beat.g1', true],
    ['events.shipping', 'read', 'ecomarket.events', '#', false],
    ['events.shipping', 'write', 'ecomarket.events', 'orders.g1', false],
    ['events.shipping', 'read', 'ecomarket.commands', 'orders.g1', false],
  ])('%s may %s %s by %s: %s', (user, what, exchange, key, may) => {
    const permission = definitions.topic_permissions.find(
      (candidate) => candidate.user === user && candidate.exchange === exchange,
    );
    expect(new RegExp(permission?.[what] ?? '').test(key)).toBe(may);
  });
});

describe('passwordHash', () => {
  it('is base64 of the salt and SHA-256 of salt and password', () => {
    const salt = Buffer.from('908dc60a', 'hex');
    const bytes = Buffer.from(passwordHash('test12', salt), 'base64');
    expect(bytes.subarray(0, 4)).toEqual(salt);
    expect(bytes.subarray(4)).toEqual(
      createHash('sha256')
        .update(Buffer.concat([salt, Buffer.from('test12')]))
        .digest(),
    );
    // The example of RabbitMQ's own documentation (Passwords).
    expect(bytes.toString('base64')).toBe('kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR');
  });

  it('uses a new salt each time', () => {
    expect(passwordHash('same')).not.toBe(passwordHash('same'));
  });
});
