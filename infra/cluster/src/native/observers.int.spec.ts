import { readFile } from 'node:fs/promises';
import { hostPort } from '@eco/base';
import { alarms } from '@eco/observability';
import { metricsIn } from '@eco/observability/files';
import { eventually, startTestCluster, type TestCluster } from '@eco/testing';
import { readRun } from '../run-file.js';
import { exporterPasswordFile } from './observers.js';

let cluster: TestCluster;
let urls: Record<'prometheus' | 'alertmanager', string>;
beforeAll(async () => {
  cluster = await startTestCluster({
    brokers: 1,
    groups: [{ id: 'g1', replicas: 1 }],
    writersPerGroup: 1,
    tls: true,
    observability: true,
  });
  const observers = readRun(cluster.dataDir)?.layout.observers ?? [];
  const urlOf = (program: string) => {
    const found = observers.find((each) => each.program === program);
    if (found === undefined) throw new Error(`${program} is not in the layout`);
    return `http://${hostPort(found)}`;
  };
  urls = { prometheus: urlOf('prometheus'), alertmanager: urlOf('alertmanager') };
}, 240_000);
afterAll(() => cluster?.destroy());

async function get<Body>(url: string): Promise<Body> {
  const response = await fetch(url);
  return (await response.json()) as Body;
}

interface Target {
  readonly health: string;
  readonly labels: { readonly job: string; readonly instance: string };
}

it('Prometheus reaches every service, broker and database by the name that eco status shows', async () => {
  const expected = [
    ...cluster.services.map(({ name }) => `ecomarket ${name}`),
    'rabbitmq broker-1',
    'postgres g1-1',
    'postgres g1-2',
  ];
  await eventually('all targets are up', async () => {
    const { data } = await get<{ data: { activeTargets: Target[] } }>(`${urls.prometheus}/api/v1/targets`);
    const up = data.activeTargets.filter(({ health }) => health === 'up');
    expect(up.map(({ labels }) => `${labels.job} ${labels.instance}`).sort()).toEqual(expected.sort());
    return true;
  });
});

it('the servers export every metric that a rule names', async () => {
  const named = [...new Set(alarms.flatMap(({ expr }) => metricsIn(expr)))].filter((name) => !name.startsWith('eco_'));
  expect(named).toEqual(expect.arrayContaining(['up', 'pg_up', 'rabbitmq_queue_messages']));
  await eventually('all are scraped', async () => {
    const { data } = await get<{ data: string[] }>(`${urls.prometheus}/api/v1/label/__name__/values`);
    expect(data).toEqual(expect.arrayContaining(named));
    return true;
  });
});

it('an exporter uses the new password after a rotation', async () => {
  const observer = readRun(cluster.dataDir)?.layout.observers?.find(({ node }) => node === 'g1-2');
  if (observer === undefined) throw new Error('the replica has no exporter');
  const former = await readFile(exporterPasswordFile(cluster.dataDir, observer), 'utf8');
  await cluster.rotateSecret('database/eco_monitor');
  expect(await readFile(exporterPasswordFile(cluster.dataDir, observer), 'utf8')).not.toBe(former);
  // The exporter has to log in again.
  const replica = cluster.groups[0]?.nodes.find(({ name }) => name === 'g1-2');
  const databaseIs = (value: string) => async () => {
    const metrics = await (await fetch(`http://${hostPort(observer)}/metrics`)).text();
    return metrics.includes(`\npg_up ${value}\n`);
  };
  await replica?.stop();
  await eventually('the exporter notices the stop', databaseIs('0'));
  await replica?.start();
  await eventually('the exporter has logged in', databaseIs('1'));
});

it('the alert of a stopped service reaches Alertmanager', async () => {
  const reader = cluster.services.find(({ name }) => name === 'read-service');
  await reader?.stop();
  interface Alert {
    readonly labels: Readonly<Record<string, string>>;
  }
  await eventually('the alert', async () => {
    const alerts = await get<Alert[]>(`${urls.alertmanager}/api/v2/alerts`);
    return alerts.some(({ labels }) => labels['alertname'] === 'ServiceDown' && labels['instance'] === 'read-service');
  });
});
