import { databaseRoles, loginRoles, roleLimits } from '@eco/database';
import { hostBasedAccess, serverSettings } from './postgres-settings.js';

const node = { name: 'g1-1', host: '127.0.0.1', port: 5432 };
const text = serverSettings({
  node,
  nodes: [node],
  primary: node,
  passwordFile: '/file',
  listenAddresses: '127.0.0.1',
  smallDisk: false,
});
const settings = new Map(
  [...text.matchAll(/^(\w+) = '?([^'\n]*)/gm)].map(([, name = '', value = '']) => [name, value]),
);

/** PostgreSQL's default of superuser_reserved_connections. */
const SUPERUSER_SLOTS = 3;

test('a server has room for the sessions of all roles and of the superuser', () => {
  const all = databaseRoles.map((role) => roleLimits[role].connections).reduce((sum, count) => sum + count, 0);
  expect(all).toBeLessThanOrEqual(Number(settings.get('max_connections')) - SUPERUSER_SLOTS);
  expect(roleLimits.eco_replicator.connections).toBeLessThanOrEqual(Number(settings.get('max_wal_senders')));
});

test('each role may log in to one database only, and the superuser to all', () => {
  const lines = hostBasedAccess({ range: '10.0.0.0/8' })
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ +/));
  expect(lines.map(([type, , , range, method]) => [type, range, method])).toEqual(
    lines.map(() => ['host', '10.0.0.0/8', 'scram-sha-256']),
  );
  const databasesOf = (user: string) =>
    lines.filter(([, , users]) => users?.split(',').includes(user)).map(([, database]) => database);
  expect(databasesOf('postgres')).toEqual(['all']);
  expect(loginRoles.map(databasesOf)).toEqual(
    loginRoles.map((role) => [role === 'eco_replicator' ? 'replication' : 'ecomarket']),
  );
});

test('the log is archived only if there is a folder for it', () => {
  expect(text).not.toContain('archive_mode');
  const archiving = serverSettings({
    ...{ node, nodes: [node], primary: node, passwordFile: '/file', listenAddresses: '*', smallDisk: false },
    archiveCommand: `'archive' '/a b' %p`,
  });
  expect(archiving).toContain(
    `archive_mode = 'on'\narchive_command = '''archive'' ''/a b'' %p'\narchive_timeout = 60\n`,
  );
});

test('Patroni owns sources, slots and the names that count, and everything else stays', () => {
  const server = { node, nodes: [node], primary: node, passwordFile: '/file', listenAddresses: '*', smallDisk: false };
  const namesIn = (settings: string) => [...settings.matchAll(/^(\w+) = /gm)].map(([, name]) => name).sort();
  const ours = namesIn(serverSettings({ ...server, archiveCommand: 'archive %p' }));
  const shared = serverSettings({ ...server, archiveCommand: 'archive %p', patroniSocketDir: '/sockets' });
  const owned = ['primary_conninfo', 'primary_slot_name', 'synchronous_standby_names'];
  expect(namesIn(shared)).toEqual(ours.filter((name) => !owned.includes(name ?? '')));
  expect(shared).toContain(`unix_socket_directories = '/sockets'\n`);
});
