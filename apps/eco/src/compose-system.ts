import {
  checkDocker,
  composeAuthority,
  composeContainers,
  composeDown,
  composeLayout,
  composeSecrets,
  composeUp,
  type ComposeContainer,
  type ClusterDescription,
  type Layout,
  type Secrets,
} from '@eco/cluster';
import { Option, type Command } from 'commander';
import { BadInput } from './input.js';

/** The system of compose.yaml, selected by `--docker`. */
export interface ComposeSystem {
  readonly containers: readonly ComposeContainer[];
  readonly layout: Layout;
  readonly secrets: Secrets;
}

export function dockerOption(command: Command): Command {
  const text = 'the system in containers, of compose.yaml (default: when none runs as processes)';
  return command.addOption(new Option('--docker', text).conflicts('data'));
}

/** Throws a Refused if no container of the system exists, or without Docker. */
export async function openComposeSystem(): Promise<ComposeSystem> {
  const containers = await findContainers();
  const secrets = await composeSecrets();
  const authority = await composeAuthority();
  return { containers, layout: composeLayout(containers, authority), secrets };
}

/** Throws a Refused if no containers exist, or without Docker. */
export async function findContainers(): Promise<ComposeContainer[]> {
  const containers = await composeContainers();
  if (containers.length > 0) return containers;
  throw new BadInput('no containers of compose.yaml are there: start them by "npm start -- --docker"');
}

/** Whether containers of compose.yaml exist; false without Docker. */
export async function isComposeThere(): Promise<boolean> {
  return composeContainers().then(
    (containers) => containers.length > 0,
    () => false,
  );
}

/** Options of `up` that compose.yaml determines itself. */
const settled = ['brokers', 'replicas', 'writers', 'data', 'services', 'portErlang'];

/** Violations of the options that do not go with `--docker`. */
export function notInContainers(command: Command): string[] {
  const given = settled.filter((name) => command.getOptionValueSource(name) === 'cli');
  const names = command.options.filter((option) => given.includes(option.attributeName())).map(({ long }) => long);
  return [
    ...(given.length > 0 ? [`${names.join(', ')}: compose.yaml settles that, so not with --docker`] : []),
    ...(command.getOptionValue('backups') ? ['containers are not backed up yet: start them without --backups'] : []),
  ];
}

export async function startCompose(description: ClusterDescription, command: Command): Promise<ComposeSystem> {
  await checkDocker();
  await composeUp(environmentOf(description, command));
  return openComposeSystem();
}

export async function stopCompose(volumes: boolean): Promise<void> {
  await checkDocker();
  await composeDown({ volumes });
}

const countOf = { AMQP: 3, MANAGEMENT: 3, POSTGRES: 6, OPERATORS: 10 };

/** Returns the variables of compose.yaml for the given options. The user's environment may set the others. */
function environmentOf(description: ClusterDescription, command: Command) {
  const { ports, logLevel, buckets, branchIds, timeZone, observability } = description;
  const environment: Record<string, string> = {};
  const isGiven = (name: string) => command.getOptionValueSource(name) === 'cli';
  if (isGiven('logLevel')) environment['ECO_LOG_LEVEL'] = logLevel;
  if (isGiven('buckets')) environment['ECO_BUCKETS'] = String(buckets);
  if (isGiven('branches')) {
    environment['ECO_BRANCHES'] = branchIds.join(',');
    environment['COMPOSE_PROFILES'] = withBranches(process.env['COMPOSE_PROFILES'], branchIds.length);
  }
  if (observability) {
    const profiles = environment['COMPOSE_PROFILES'] ?? process.env['COMPOSE_PROFILES'] ?? '';
    environment['COMPOSE_PROFILES'] = [...profiles.split(',').filter(Boolean), 'observability'].join(',');
  }
  if (isGiven('timeZone') && timeZone !== undefined) environment['ECO_TIME_ZONE'] = timeZone;
  const first = (name: string, port: number, kind: keyof typeof countOf) => {
    if (!isGiven(name)) return;
    for (let index = 0; index < countOf[kind]; index++) {
      environment[`ECO_PORT_${kind}_${index + 1}`] = String(port === 0 ? 0 : port + index);
    }
  };
  first('portAmqp', ports.amqp, 'AMQP');
  first('portManagement', ports.management, 'MANAGEMENT');
  first('portPostgres', ports.postgres, 'POSTGRES');
  first('portOperators', ports.operators, 'OPERATORS');
  if (isGiven('portCentral')) environment['ECO_PORT_CENTRAL'] = String(ports.central);
  if (isGiven('portSucursal')) environment['ECO_PORT_SUCURSAL'] = String(ports.sucursal);
  if (isGiven('portBranches')) {
    for (const index of [2, 3]) {
      environment[`ECO_PORT_BRANCH_${index}`] = String(ports.branches === 0 ? 0 : ports.branches + index - 2);
    }
  }
  if (isGiven('portRead')) environment['ECO_PORT_READ'] = String(ports.read);
  return environment;
}

/** The profiles of compose.yaml with those of the branches beyond the first. */
function withBranches(profiles = '', branches: number): string {
  const others = profiles.split(',').filter((profile) => profile !== '' && !/^branch-\d+$/.test(profile));
  return [...others, ...Array.from({ length: branches - 1 }, (_, index) => `branch-${index + 2}`)].join(',');
}
