import { hostPort } from '@eco/base';
import path from 'node:path';
import { serverHosts, tlsSecretsFor } from '../authority.js';
import { branchDir, journalsDir } from '../data-folder.js';
import { PROJECT_DIR } from '../description.js';
import { Refused } from '../refused.js';
import { clientUrlOf, operatorsUrlOf, type App, type ServiceNode } from '../layout.js';
import type { RunningService } from '../running-cluster.js';
import { serviceSecretsFile, writeServiceSecrets } from '../secrets.js';
import { together, type Step } from '../steps.js';
import type { Host } from '../host.js';
import { isOk } from './is-ok.js';
import { nodeOptionsOf } from './node-options.js';
import { runningNode } from './running-node.js';
import type { NativeProcess, ProcessSpec } from './native-process.js';
import { ownSettings } from './own-settings.js';
import type { StopStage } from './stop-stages.js';

/** The services: Node runs each app's main.js with an environment that describes the cluster. */

const START_MS = 60_000;
/** A service ends within 5 s of a stop request; see runProcess of @eco/service. */
const STOP_MS = 10_000;

const stages: Record<App, StopStage> = {
  'central-api': 'APIs',
  'sucursal-api': 'APIs',
  'read-service': 'read-service',
  'shard-writer': 'writers',
};

export class Services {
  readonly #host: Host;
  readonly #services: readonly { service: ServiceNode; process: NativeProcess }[];
  readonly nodes: readonly RunningService[];

  constructor(host: Host) {
    this.#host = host;
    this.#services = host.layout.services.map((service) => ({
      service,
      process: host.process(this.#spec(service)),
    }));
    this.nodes = this.#services.map(({ service, process }) => ({
      ...runningNode(process),
      url: clientUrlOf(service),
      operatorsUrl: operatorsUrlOf(service),
    }));
  }

  get processes(): readonly NativeProcess[] {
    return this.#services.map(({ process }) => process);
  }

  startStep(): Step {
    return together(
      'services',
      this.#services.map(({ service, process }) => ({
        title: service.name,
        run: async () => {
          const { authority, dataDir, secrets } = this.#host;
          const tls = authority && (await tlsSecretsFor(authority, serverHosts(service)));
          await writeServiceSecrets(dataDir, service.name, service, secrets, tls);
          await process.start(this.#host.signal);
        },
      })),
    );
  }

  /** Stops a service and starts it with its present program and settings. Resolves when it is ready. */
  async restart(name: string): Promise<void> {
    const process = this.#process(name);
    // A mistake in its file must not end it.
    ownSettings(this.#host.dataDir, name);
    await process.restart();
  }

  /** Stops a service until it is restarted. */
  stop(name: string): Promise<void> {
    return this.#process(name).stop();
  }

  #process(name: string): NativeProcess {
    const process = this.processes.find((each) => each.name === name);
    if (process !== undefined) return process;
    throw new Refused(`there is no service ${name}; there are ${this.processes.map((each) => each.name).join(', ')}`);
  }

  #spec(service: ServiceNode): ProcessSpec {
    const { environment, dataDir, logFile } = this.#host;
    return {
      name: service.name,
      stage: stages[service.app],
      command: process.execPath,
      args: [...nodeOptionsOf(service.app), path.join(PROJECT_DIR, 'apps', service.app, 'dist/main.js')],
      env: () => ({ ...environment, ...this.#settings(service), ...ownSettings(dataDir, service.name) }),
      cwd: PROJECT_DIR,
      logFile: logFile(service.name),
      stopSignal: 'SIGTERM',
      stopMs: STOP_MS,
      ready: () => isOk(`${operatorsUrlOf(service)}/health/ready`),
      readyMs: START_MS,
    };
  }

  #settings(service: ServiceNode): Record<string, string> {
    const { layout, description, dataDir } = this.#host;
    return {
      ...givenSettings(),
      ECO_NAME: service.name,
      ECO_HOST: service.host,
      ECO_OPERATORS_HOST: service.host,
      ECO_OPERATORS_PORT: String(service.operatorsPort),
      ...(service.port !== undefined && { ECO_PORT: String(service.port) }),
      ECO_LOG_LEVEL: description.logLevel,
      ECO_BROKERS: layout.brokers.map(({ host, amqpPort }) => `${host}:${amqpPort}`).join(','),
      ...this.#sourcesOfReads(service),
      ECO_SECRETS_FILE: serviceSecretsFile(dataDir, service.name),
      ...(service.app === 'central-api' && { ECO_JOURNAL_DIR: journalsDir(dataDir) }),
      ...(service.branchId !== undefined && {
        ECO_BRANCH_ID: service.branchId,
        ECO_BRANCH_DIR: branchDir(dataDir, service.branchId),
      }),
      ...(service.groupId !== undefined && { ECO_GROUP: service.groupId }),
    };
  }

  /** A branch learns no address of a database. */
  #sourcesOfReads({ app }: ServiceNode): Record<string, string> {
    const { groups, services } = this.#host.layout;
    if (app !== 'sucursal-api') {
      return { ECO_GROUPS: groups.map(({ id, nodes }) => `${id}=${nodes.map(hostPort).join(',')}`).join(';') };
    }
    const readServices = services.filter((each) => each.app === 'read-service');
    return {
      ECO_GROUP_IDS: groups.map(({ id }) => id).join(','),
      ECO_READ_SERVICES: readServices.map(clientUrlOf).join(','),
    };
  }
}

/** Settings from the user's environment, such as a mail server or a collector of spans. The cluster's own settings take precedence. */
function givenSettings(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      GIVEN.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
}

/** OpenTelemetry has its own names for the settings of a collector. */
const GIVEN = /^(?:ECO_|OTEL_EXPORTER_OTLP_)/;
