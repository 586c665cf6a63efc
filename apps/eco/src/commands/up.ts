import path from 'node:path';
import { TokenSigner } from '@eco/access';
import { hostPort, type Login } from '@eco/base';
import {
  addFirstAdministrator,
  authorityFile,
  brokerSecretsFile,
  clientUrlOf,
  type Cluster,
  isOnSameDisk,
  managementUrlOf,
  openCluster,
  operatorsUrlOf,
  ProcessError,
  RunningSystem,
  Stopped,
  type ClusterDescription,
  type Layout,
} from '@eco/cluster';
import type { Command } from 'commander';
import { notInContainers, startCompose } from '../compose-system.js';
import { descriptionOf, upOptions, type UpOptions } from '../describe.js';
import { drawSteps } from '../draw-steps.js';
import { BadInput, printChecked } from '../input.js';
import { StopRequest } from '../stop-request.js';
import { tableOf } from '../text-table.js';

const TOKEN_SECONDS = 12 * 3_600;

/** `eco up`: starts everything, shows what runs where, and stops it in order on request. */
export function registerUp(program: Command): void {
  upOptions(
    program.command('up').description('start everything on this machine, until Ctrl-C; with --docker in containers'),
  ).action((options: UpOptions, command: Command) =>
    printChecked(
      command,
      (violations) => {
        if (options.docker) violations.push(...notInContainers(command));
        return descriptionOf(options, violations);
      },
      (description) => up(description, options, command),
    ),
  );
}

async function up(description: ClusterDescription, options: UpOptions, command: Command): Promise<string> {
  if (options.docker) return upInContainers(description, command);
  const say = (text: string) => command.configureOutput().writeOut?.(`${text}\n`);
  const request = new StopRequest();
  try {
    const cluster = await openCluster(description, { runSteps: drawSteps, say });
    request.onSecond(() => void cluster.kill());
    const stopped = request.first.then((signal) => {
      say(`\n${signal}: stopping everything in order; press it again to kill everything`);
      return cluster.stop(drawSteps);
    });
    await run(cluster, description, say);
    await stopped;
    return `everything is stopped; the data stays in ${shown(description.dataDir)}`;
  } catch (error) {
    throw error instanceof ProcessError ? new BadInput(error.message) : error;
  } finally {
    request.end();
  }
}

/** Starts the cluster. Resolves when it runs, or when a stop request has interrupted the start. */
async function run(cluster: Cluster, description: ClusterDescription, say: (text: string) => void): Promise<void> {
  try {
    await cluster.start(drawSteps);
    say(overview(cluster, description, await tokenLines(cluster.system, shown(authorityFile(description.dataDir)))));
    say(await backupLine(description));
    await cluster.supervise((line) => say(`${new Date().toISOString()} ${line}`));
  } catch (error) {
    if (error instanceof Stopped) return;
    await cluster.stop(drawSteps);
    throw error;
  }
}

/** Where the backups are, or a warning: without them a wrong statement or a lost disk is final. */
async function backupLine({ backupsDir, dataDir }: ClusterDescription): Promise<string> {
  if (backupsDir === undefined) return 'WARNING: nothing is backed up: name a folder on another disk by --backups DIR';
  if (await isOnSameDisk(backupsDir, dataDir)) {
    return `WARNING: the backups in ${shown(backupsDir)} are on the disk of the data and are lost with it`;
  }
  return `backups: ${shown(backupsDir)}; npx eco backup makes one`;
}

async function upInContainers(description: ClusterDescription, command: Command): Promise<string> {
  const { layout, secrets } = await startCompose(description, command);
  const system = new RunningSystem(layout, secrets);
  const administrator = await addFirstAdministrator(system.urlOf('central-api'), system.tokens);
  const firstRequest = await tokenLines(system, 'ca.crt');
  return [
    whatRunsWhere(layout),
    managementUi(system.brokerLogin('operator')),
    ...administratorLine(administrator),
    'certificate for clients: docker compose cp configure:/eco/all/ca.crt ca.crt',
    ...firstRequest,
    'logs: docker compose logs',
    'npx eco status shows the state of everything; npm run down -- --docker stops it',
  ].join('\n');
}

/** Log-in for the management UI. This user may only look. */
function managementUi({ user, password }: Login): string {
  return `management UI: user ${user}, password ${password}`;
}

function overview(cluster: Cluster, { dataDir }: ClusterDescription, firstRequest: readonly string[]): string {
  const { layout, missing } = cluster;
  return [
    whatRunsWhere(layout),
    ...[...missing].map(([name, reason]) => `${name} is missing, and is tried again every 30 s: it ${reason}`),
    `${managementUi(cluster.system.brokerLogin('operator'))} (kept in ${shown(brokerSecretsFile(dataDir))})`,
    ...administratorLine(cluster.firstAdministrator),
    ...firstRequest,
    `logs: ${shown(path.join(dataDir, 'log'))}`,
    'npx eco status shows the state of everything; Ctrl-C stops it',
  ].join('\n');
}

/**
 * A token of the head office and a first request with it; nothing if no Central runs. `certificateFile`: of the
 * authority, by which curl verifies Central.
 */
async function tokenLines(system: RunningSystem, certificateFile: string): Promise<string[]> {
  const [central] = system.servicesOf('central-api');
  if (central === undefined) return [];
  const token = await new TokenSigner(system.tokens).sign({ id: 'eco token manager', role: 'manager' }, TOKEN_SECONDS);
  const trust = central.authority === undefined ? '' : `--cacert ${certificateFile} `;
  return [
    'a token of the head office for 12 h (npx eco token makes others), and a first request:',
    `  TOKEN=${token}`,
    `  curl ${trust}-H "Authorization: Bearer $TOKEN" '${clientUrlOf(central)}/orders?branchId=central'`,
  ];
}

/**
 * Log-in of the first administrator. Empty unless this start has made the account, because the password is stored as a
 * hash only.
 */
function administratorLine(login: Login | undefined): string[] {
  if (login === undefined) return [];
  const how = 'shown once, and valid for 7 days until you set your own; "npx eco users reset" makes another';
  return [`log-in at Central: user ${login.user}, password ${login.password} (${how})`];
}

function whatRunsWhere(layout: Layout): string {
  const rows = [
    ...layout.services.map((service) => {
      const operators = operatorsUrlOf(service);
      if (service.port === undefined) return [service.name, '', `metrics: ${operators}/metrics`];
      const branch = service.branchId === undefined ? '' : ` (${service.branchId})`;
      return [service.name + branch, clientUrlOf(service), `API documents: ${operators}/docs`];
    }),
    ...layout.brokers.map((broker) => [
      `RabbitMQ ${broker.name}`,
      `${broker.host}:${broker.amqpPort}`,
      `management UI: ${managementUrlOf(broker)}`,
    ]),
    ...layout.groups.flatMap(({ nodes }) =>
      nodes.map(({ name, host, port }) => [`PostgreSQL ${name}`, `${host}:${port}`, '']),
    ),
    ...(layout.observers ?? []).map((observer) => [observer.name, `http://${hostPort(observer)}`, '']),
  ];
  return `\n${tableOf(['what', 'where', ''], rows)}`;
}

/** The path of a file as a user in this folder would type it. */
function shown(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}
