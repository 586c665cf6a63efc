import { constants } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { hostPort, type Address } from '@eco/base';
import { DATABASE_NAME } from '@eco/postgres';
import { authorityFile } from '../authority.js';
import { PROJECT_DIR } from '../description.js';
import type { Layout, Observer } from '../layout.js';
import { isOk } from '../processes/is-ok.js';
import type { NativeProcess, ProcessSpec } from '../processes/native-process.js';
import { passwordLine, writeSecretFile, type DatabaseLogin } from '../secrets.js';
import { together, type Step } from '../steps.js';
import type { Native } from './native.js';
import { filesDirOf, makeFilesDir } from './start-script.js';

const DOCKER_DIR = path.join(PROJECT_DIR, 'infra/docker');
const PROMETHEUS_FILE = 'prometheus.yml';
const ALERTMANAGER_FILE = 'alertmanager.yml';
/** Time limit until an observer answers, ms. Prometheus replays its log of the last two hours first. */
const START_MS = 60_000;
const STOP_MS = 10_000;
export const EXPORTER_ROLE: DatabaseLogin & 'eco_monitor' = 'eco_monitor';

/**
 * Prometheus with the committed rules, Alertmanager, and an exporter for each database, which asks as `eco_monitor`: what
 * the profile `observability` of compose.yaml starts, but for Grafana.
 */
export class Observers {
  readonly #native: Native;
  readonly #observers: readonly { readonly observer: Observer; readonly process: NativeProcess }[];

  constructor(native: Native) {
    this.#native = native;
    const { observers = [] } = native.layout;
    this.#observers = observers.map((observer) => ({ observer, process: native.process(this.#spec(observer)) }));
  }

  get processes(): readonly NativeProcess[] {
    return this.#observers.map(({ process }) => process);
  }

  startSteps(): readonly Step[] {
    if (this.#observers.length === 0) return [];
    const steps = this.#observers.map(({ observer, process }) => ({
      title: observer.name,
      run: async () => {
        await this.#writeFiles(observer);
        await this.#start(process);
      },
    }));
    return [together('observability', steps)];
  }

  /** One that can't start, such as for a fault in the operator's file, stops nothing else. */
  async #start(process: NativeProcess): Promise<void> {
    const { missing, signal } = this.#native;
    try {
      await process.start(signal);
    } catch (error) {
      signal.throwIfAborted();
      missing(process.name, error as Error, () => process.start());
    }
  }

  async #writeFiles(observer: Observer): Promise<void> {
    const { dataDir, layout, secrets } = this.#native;
    await makeFilesDir(dataDir, observer.name);
    await mkdir(this.#storage(observer), { recursive: true, mode: 0o700 });
    switch (observer.program) {
      case 'prometheus':
        return writeSecretFile(this.#file(observer, PROMETHEUS_FILE), prometheusSettings(layout, dataDir));
      case 'alertmanager': {
        // The operator names receivers in this file, so an existing one stays.
        const committed = path.join(DOCKER_DIR, 'alertmanager', ALERTMANAGER_FILE);
        const own = this.#file(observer, ALERTMANAGER_FILE);
        return copyFile(committed, own, constants.COPYFILE_EXCL).catch(unlessThere);
      }
      case 'postgres-exporter':
        return writeSecretFile(
          exporterPasswordFile(dataDir, observer),
          passwordLine(EXPORTER_ROLE, secrets.database[EXPORTER_ROLE]),
        );
    }
  }

  #spec(observer: Observer): ProcessSpec {
    const { environment, logFile, programs } = this.#native;
    const { name, program } = observer;
    const command = programs.observers?.[program];
    if (command === undefined) throw new Error(`${program} was found and is gone`);
    return {
      name,
      stage: 'observers',
      command,
      args: [`--web.listen-address=${hostPort(observer)}`, ...this.#argumentsOf(observer)],
      env: { ...environment, ...(program === 'postgres-exporter' && this.#exporterSettings(observer)) },
      cwd: '/',
      logFile: logFile(name),
      stopSignal: 'SIGTERM',
      stopMs: STOP_MS,
      // The exporter has no path for readiness. Its metrics come late while its database is away.
      ready: () => isOk(`http://${hostPort(observer)}${program === 'postgres-exporter' ? '/' : '/-/ready'}`),
      readyMs: START_MS,
    };
  }

  #argumentsOf(observer: Observer): string[] {
    switch (observer.program) {
      case 'prometheus':
        return [
          `--config.file=${this.#file(observer, PROMETHEUS_FILE)}`,
          `--storage.tsdb.path=${this.#storage(observer)}`,
          '--storage.tsdb.retention.time=7d',
        ];
      case 'alertmanager':
        return [
          `--config.file=${this.#file(observer, ALERTMANAGER_FILE)}`,
          `--storage.path=${this.#storage(observer)}`,
          // One instance has no peers.
          '--cluster.listen-address=',
        ];
      case 'postgres-exporter':
        return [];
    }
  }

  /**
   * The exporter of Debian 12 knows no file of settings, and fails on metrics of a second database. The password is in a
   * file, so the environment has none.
   */
  #exporterSettings(observer: Observer): Record<string, string> {
    const { authority, dataDir, layout } = this.#native;
    const node = layout.groups.flatMap((group) => group.nodes).find(({ name }) => name === observer.node);
    if (node === undefined) throw new Error(`${observer.name} has no database`);
    const mode = authority ? `sslmode=verify-full&sslrootcert=${authorityFile(dataDir)}` : 'sslmode=disable';
    return {
      DATA_SOURCE_NAME: `postgresql://${EXPORTER_ROLE}@${hostPort(node)}/${DATABASE_NAME}?${mode}`,
      PGPASSFILE: exporterPasswordFile(dataDir, observer),
    };
  }

  #file({ name }: Observer, file: string): string {
    return path.join(filesDirOf(this.#native.dataDir, name), file);
  }

  #storage({ name }: Observer): string {
    return path.join(this.#native.dataDir, 'observers', name);
  }
}

export function exporterPasswordFile(dataDir: string, { name }: Observer): string {
  return path.join(filesDirOf(dataDir, name), 'pgpass');
}

/** Prometheus' file in JSON, which is YAML, too. Alerts name a process as `eco status` does. */
function prometheusSettings({ brokers, services, observers = [] }: Layout, dataDir: string): string {
  const authority = services[0]?.authority ?? brokers[0]?.authority;
  const https = authority !== undefined && { scheme: 'https', tls_config: { ca_file: authorityFile(dataDir) } };
  const named = (instance: string, address: Pick<Address, 'host' | 'port'>) => ({
    targets: [hostPort(address)],
    labels: { instance },
  });
  const managers = observers.filter(({ program }) => program === 'alertmanager').map(hostPort);
  const settings = {
    global: { scrape_interval: '5s', evaluation_interval: '5s' },
    rule_files: [path.join(DOCKER_DIR, 'prometheus/alerts.yml')],
    alerting: { alertmanagers: [{ static_configs: [{ targets: managers }] }] },
    scrape_configs: [
      {
        job_name: 'ecomarket',
        ...https,
        static_configs: services.map(({ name, host, operatorsPort: port }) => named(name, { host, port })),
      },
      {
        job_name: 'rabbitmq',
        ...https,
        static_configs: brokers.flatMap(({ name, host, metricsPort: port }) =>
          port === undefined ? [] : [named(name, { host, port })],
        ),
      },
      {
        job_name: 'postgres',
        static_configs: observers.flatMap((observer) =>
          observer.node === undefined ? [] : [named(observer.node, observer)],
        ),
      },
    ],
  };
  return `${JSON.stringify(settings, null, 2)}\n`;
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
