import { checkDocker, composeLayout, whatIsUnwell, type ComposeContainer } from './compose.js';

const container = (service: string, ...ports: [number, number][]): ComposeContainer => ({
  service,
  state: 'running',
  health: 'healthy',
  exitCode: 0,
  ports: new Map(ports),
});

test('containers publish the layout of a cluster, with Central behind the load balancer', () => {
  const { brokers, groups, services } = composeLayout([
    container('shard-writer-2'),
    container('central-api-2', [9000, 9005]),
    container('central-api-1', [9000, 9000]),
    container('nginx', [8080, 8000]),
    container('g1-2'),
    container('g1-1'),
    container('g2-1'),
    container('configure'),
    container('read-service', [8003, 8003], [9000, 9002]),
    container('sucursal-api-2', [8002, 8012], [9000, 9008]),
    container('sucursal-api', [8002, 8002], [9000, 9001]),
    container('broker-1'),
    // It publishes the ports of containers without a way out.
    container('forwarder', [5672, 5672], [15_672, 15_672], [5432, 5432], [5433, 5433], [5435, 5435], [9004, 9004]),
  ]);
  expect(brokers).toMatchObject([{ name: 'broker-1', amqpPort: 5672, managementPort: 15_672 }]);
  expect(groups.map(({ id, nodes }) => [id, nodes.map(({ name, port }) => `${name}:${port}`)])).toEqual([
    ['g1', ['g1-1:5432', 'g1-2:5433']],
    ['g2', ['g2-1:5435']],
  ]);
  expect(services.map(({ name, app, port, operatorsPort }) => [name, app, port, operatorsPort])).toEqual([
    ['central-api', 'central-api', 8000, 9000],
    ['sucursal-api', 'sucursal-api', 8002, 9001],
    ['sucursal-api-2', 'sucursal-api', 8012, 9008],
    ['read-service', 'read-service', 8003, 9002],
    ['shard-writer-2', 'shard-writer', undefined, 9004],
  ]);
});

test('a container that publishes nothing now has port 0', () => {
  expect(composeLayout([container('read-service')]).services).toMatchObject([
    { name: 'read-service', port: 0, operatorsPort: 0 },
  ]);
});

test('only unhealthy containers are reported, with their state', () => {
  const containers = [
    container('g1-1'),
    { ...container('configure'), state: 'exited', health: '' },
    { ...container('prometheus'), health: '' },
    { ...container('broker-3'), state: 'restarting', health: '' },
    { ...container('g1-3'), state: 'exited', exitCode: 1 },
    { ...container('nginx'), health: 'unhealthy' },
    { ...container('sucursal-api'), state: 'created', health: '' },
  ];
  expect(whatIsUnwell(containers)).toBe(
    'broker-3 is restarting, g1-3 ended with 1, nginx is unhealthy, sucursal-api is created',
  );
  expect(whatIsUnwell(containers.slice(0, 3))).toBe('');
});

test('without Docker it states in one line what to do', async () => {
  const before = process.env['PATH'];
  process.env['PATH'] = '/nowhere';
  try {
    await expect(checkDocker()).rejects.toThrow(
      /^Docker with Compose .*\(docker is not installed\): install or start it/,
    );
  } finally {
    process.env['PATH'] = before;
  }
});
