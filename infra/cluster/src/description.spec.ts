import path from 'node:path';
import { BRANCHES_MAX, describeCluster, DescriptionError, firstBranches, PROJECT_DIR } from './description.js';
import { checkPorts, countUp, layOut, portsOf, type Layout } from './layout.js';

const layoutOf = (input: Parameters<typeof describeCluster>[0], free = () => 30_000): Layout => {
  const description = describeCluster(input);
  return layOut(description, countUp(description, free));
};

test('without options it is the cluster of npm start', () => {
  const layout = layoutOf({});
  expect(describeCluster({}).dataDir).toBe(path.join(PROJECT_DIR, '.eco'));
  expect(layout.brokers.map(({ name, amqpPort }) => [name, amqpPort])).toEqual([
    ['broker-1', 5672],
    ['broker-2', 5673],
    ['broker-3', 5674],
  ]);
  expect(layout.brokers[0]?.managementPort).toBe(15_672);
  expect(layout.groups).toEqual([
    {
      id: 'g1',
      nodes: [
        { name: 'g1-1', host: '127.0.0.1', port: 5432 },
        { name: 'g1-2', host: '127.0.0.1', port: 5433 },
        { name: 'g1-3', host: '127.0.0.1', port: 5434 },
      ],
    },
  ]);
  expect(layout.services.map(({ name, port, operatorsPort }) => [name, port, operatorsPort])).toEqual([
    ['central-api', 8000, 9000],
    ['sucursal-api', 8002, 9001],
    ['read-service', 8003, 9002],
    ['shard-writer-1', undefined, 9003],
    ['shard-writer-2', undefined, 9004],
  ]);
  expect(() => checkPorts(portsOf(layout))).not.toThrow();
});

test('what watches the cluster has ports of its own, and changes no other', () => {
  const { observers, brokers, ...others } = layoutOf({ observability: true });
  expect(observers?.map(({ name, port }) => [name, port])).toEqual([
    ['prometheus', 9090],
    ['alertmanager', 9091],
    ['g1-1-exporter', 9092],
    ['g1-2-exporter', 9093],
    ['g1-3-exporter', 9094],
  ]);
  expect(brokers.map(({ metricsPort }) => metricsPort)).toEqual([9095, 9096, 9097]);
  expect({ ...others, brokers: brokers.map(({ metricsPort: _port, ...broker }) => broker) }).toEqual(layoutOf({}));
});

test('each group has writers and database ports of its own', () => {
  const { groups, services } = layoutOf({
    groups: [
      { id: 'g1', replicas: 1 },
      { id: 'g2', replicas: 0 },
    ],
    writersPerGroup: 1,
  });
  expect(groups.map(({ id, nodes }) => [id, nodes.map(({ port }) => port)])).toEqual([
    ['g1', [5432, 5433]],
    ['g2', [5434]],
  ]);
  expect(services.filter(({ app }) => app === 'shard-writer').map(({ name, groupId }) => [name, groupId])).toEqual([
    ['shard-writer-1', 'g1'],
    ['shard-writer-2', 'g2'],
  ]);
});

test('each branch has a process, and further ones change no other port', () => {
  const { services } = layoutOf({ branchIds: ['norte', 'sur', 'este'] });
  expect(services.filter((service) => service.branchId === undefined)).toEqual(
    layoutOf({}).services.filter((service) => service.branchId === undefined),
  );
  const branches = services.filter(({ app }) => app === 'sucursal-api');
  expect(branches.map(({ name, branchId, port, operatorsPort }) => [name, branchId, port, operatorsPort])).toEqual([
    ['sucursal-api', 'norte', 8002, 9001],
    ['sucursal-api-2', 'sur', 8012, 9005],
    ['sucursal-api-3', 'este', 8013, 9006],
  ]);
  const most = layoutOf({ branchIds: firstBranches(BRANCHES_MAX) });
  expect(() => checkPorts(portsOf(most))).not.toThrow();
  expect(portsOf(most).filter(({ kind }) => kind === 'branches')).toHaveLength(BRANCHES_MAX - 1);
  expect(() => describeCluster({ branchIds: ['norte', 'norte'] })).toThrow('branchIds.1: names norte twice');
  expect(() => describeCluster({ branchIds: firstBranches(BRANCHES_MAX + 1) })).toThrow(/branchIds: /);
});

test('a port of 0 takes free ones, and only for its kind', () => {
  let next = 30_000;
  const { brokers, groups } = layoutOf({ ports: { amqp: 0 } }, () => next++);
  expect(brokers.map(({ amqpPort }) => amqpPort)).toEqual([30_000, 30_001, 30_002]);
  expect(groups[0]?.nodes[0].port).toBe(5432);
});

test('every violation is reported', () => {
  const describeBadly = () =>
    describeCluster({
      brokers: 2,
      groups: [{ id: 'g1' }, { id: 'g1', replicas: -1 }],
      buckets: 10,
      ports: { amqp: 70_000 },
      logLevel: 'loud' as 'info',
    });
  expect(describeBadly).toThrow(DescriptionError);
  expect(describeBadly).toThrow(
    /brokers: must be odd.*groups.1.replicas: .*ports.amqp: .*logLevel: .*buckets: must be a power of two/,
  );
  expect(() => describeCluster({ groups: [{ id: 'g1' }, { id: 'g1' }] })).toThrow('groups.1.id: names g1 twice');
});

test('two processes on one port are refused, and both are named', () => {
  expect(() => checkPorts(portsOf(layoutOf({ ports: { central: 9003, postgres: 5674 } })))).toThrow(
    'ports.postgres: PostgreSQL g1-1 and broker-3 would both listen on 5674; ' +
      'ports.operators: shard-writer-1 (operators) and central-api would both listen on 9003',
  );
  expect(() => checkPorts(portsOf(layoutOf({ ports: { postgres: 65_534 } })))).toThrow(
    'ports.postgres: PostgreSQL g1-3 would listen on 65536, beyond the last port',
  );
});
