import { createAuthority } from '../authority.js';
import { databaseSpec } from './database-spec.js';
import { patroniGroupSettings } from './patroni-settings.js';

const node = { name: 'g1-1', host: 'g1-1', port: 5432 };

test('the files of a node with Patroni have each password in one file only, and none in the settings', async () => {
  const { files } = await databaseSpec({
    ...{ node, nodes: [node], primary: node, isSupervised: false },
    ...{ superuserPassword: 'of-the-superuser', replicatorPassword: 'of-the-replicator' },
    place: {
      ...{ filesDir: '/files', dataDir: '/data', listenAddresses: '*', clients: 'all', smallDisk: false },
      authority: await createAuthority(),
    },
    patroni: { groupId: 'g1', etcd: ['etcd-1:2379'], port: 8008 },
  });
  const filesWith = (text: string) => Object.keys(files).filter((name) => files[name]?.includes(text));
  expect(filesWith('of-the-superuser')).toEqual(['superuser-password']);
  expect(filesWith('of-the-replicator')).toEqual(['replicator.pgpass']);
  const settings = JSON.parse(files['g1-1.patroni.yml'] ?? '') as { postgresql: { custom_conf: string } };
  expect(settings.postgresql.custom_conf).toBe('/files/g1-1.conf');
});

test('a primary gives up before its lease ends, as Patroni demands', () => {
  const { ttl, loop_wait: pause, retry_timeout: retry } = patroniGroupSettings;
  expect(ttl).toBeGreaterThanOrEqual(pause + 2 * retry);
});
