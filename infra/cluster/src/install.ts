import { spawn, spawnSync } from 'node:child_process';
import { findOnPath, findPrograms, type Programs, type Server, type WantedPrograms } from './programs.js';
import { Refused } from './refused.js';
import type { Say } from './steps.js';

/** Servers are missing and this program may not install them; the message states how to. */
class ProgramsMissing extends Refused {
  override readonly name = 'ProgramsMissing';
}

/**
 * Finds the servers' programs and what else is wanted. Installs missing ones with apt if the user may; otherwise throws
 * `ProgramsMissing`.
 */
export async function ensurePrograms(say: Say, wanted: WantedPrograms = {}): Promise<Programs> {
  const found = findPrograms(wanted);
  if (!('missing' in found)) return found;
  await install(found.missing, say);
  const installed = findPrograms(wanted);
  if ('missing' in installed) throw new ProgramsMissing(howToInstall(installed.missing));
  return installed;
}

/** Finds or installs a program that only some commands need, under the same rules. Returns its full path. */
export async function ensureTool(name: Tool, say: Say): Promise<string> {
  const found = findOnPath(name);
  if (found !== undefined) return found;
  await install([name], say);
  const installed = findOnPath(name);
  if (installed === undefined) throw new ProgramsMissing(howToInstall([name]));
  return installed;
}

async function install(missing: readonly Installable[], say: Say): Promise<void> {
  const root = rootCommand();
  if (!findOnPath('apt-get') || !root) throw new ProgramsMissing(howToInstall(missing));
  say(`installs ${missing.join(' and ')} with apt`);
  await installWithApt(missing, root, say);
}

/** Programs by their name on the PATH: a load generator, and the tool that tests Prometheus' rules. */
const tools = ['wrk', 'promtool'] as const;
type Tool = (typeof tools)[number];
type Installable = Server | Tool;

/** Debian's package of promtool contains Prometheus, too. */
const packages: Record<'apt' | 'dnf' | 'brew', Record<Installable, string>> = {
  apt: {
    PostgreSQL: 'postgresql',
    RabbitMQ: 'rabbitmq-server',
    pgBackRest: 'pgbackrest',
    wrk: 'wrk',
    promtool: 'prometheus',
    Prometheus: 'prometheus',
    Alertmanager: 'prometheus-alertmanager',
    'the PostgreSQL exporter': 'prometheus-postgres-exporter',
  },
  dnf: {
    PostgreSQL: 'postgresql-server postgresql-contrib',
    RabbitMQ: 'rabbitmq-server',
    pgBackRest: 'pgbackrest',
    wrk: 'wrk',
    promtool: 'golang-github-prometheus',
    Prometheus: 'golang-github-prometheus',
    Alertmanager: 'golang-github-prometheus-alertmanager',
    'the PostgreSQL exporter': 'golang-github-prometheus-postgres-exporter',
  },
  brew: {
    PostgreSQL: 'postgresql@17',
    RabbitMQ: 'rabbitmq',
    pgBackRest: 'pgbackrest',
    wrk: 'wrk',
    promtool: 'prometheus',
    Prometheus: 'prometheus',
    Alertmanager: 'alertmanager',
    'the PostgreSQL exporter': 'postgres_exporter',
  },
};

/** Text about the installation of these programs: the command for this machine, or all known commands. */
export function howToInstall(
  missing: readonly Installable[],
  has: (program: string) => boolean = (name) => !!findOnPath(name),
): string {
  const commands: Record<keyof typeof packages, string> = {
    apt: 'sudo apt-get update && sudo apt-get install -y --no-install-recommends',
    dnf: 'sudo dnf install -y',
    brew: 'brew install',
  };
  const program = { apt: 'apt-get', dnf: 'dnf', brew: 'brew' };
  const all = ['apt', 'dnf', 'brew'] as const;
  const here = all.filter((tool) => has(program[tool]));
  const lines = (here.length > 0 ? here : all).map(
    (tool) => `  ${commands[tool]} ${missing.map((server) => packages[tool][server]).join(' ')}`,
  );
  return [
    `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not installed. Install with:`,
    ...lines,
    ...(missing.some(isTool) ? [] : DOCKER),
  ].join('\n');
}

function isTool(name: Installable): boolean {
  return tools.some((tool) => tool === name);
}

const DOCKER = [
  'or run all of it in Docker:',
  '  docker run --rm -it --network host -v "$PWD:/eco" -w /eco node:24 sh -c "npm ci && npm start"',
];

/** Prefix that runs a command as root. Undefined: this user may not, or only with a password. */
function rootCommand(): readonly string[] | undefined {
  if (process.getuid?.() === 0) return [];
  const sudo = findOnPath('sudo');
  return sudo && spawnSync(sudo, ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? [sudo, '-n'] : undefined;
}

/**
 * The packages start their own server on the cluster's ports, now and at each boot. policy-rc.d prevents that during
 * the installation (Debian Policy 9.3.3; an existing file is left alone), and units enabled by this installation are
 * disabled after it. A service that existed before is not touched.
 *
 * Two installations at the same time wait for each other: apt waits for no other update of its lists, and the first one
 * to end would remove the policy of the other.
 */
const APT_SCRIPT = `
set -e
exec 9>/run/lock/eco-install
flock 9
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' > $policy
  chmod 755 $policy
fi
apt-get update
apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
if [ -d /run/systemd/system ]; then
  for service in "$@"; do systemctl disable "$service" || true; done
fi
`;

async function installWithApt(missing: readonly Installable[], root: readonly string[], say: Say): Promise<void> {
  const [command = 'sh', ...args] = [
    ...root,
    'sh',
    '-c',
    APT_SCRIPT,
    'eco-install',
    ...missing.map((server) => packages.apt[server]),
  ];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const take = (chunk: Buffer) => {
    for (const line of chunk
      .toString()
      .split('\n')
      .filter((each) => each.trim() !== '')) {
      lines.push(line);
      if (/^(Get:|Setting up|[EW]:)/.test(line)) say(`apt: ${line.trim()}`);
    }
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) {
    throw new ProgramsMissing(
      `apt could not install ${missing.join(' and ')}:\n${lines.slice(-8).join('\n')}\n\n${howToInstall(missing)}`,
    );
  }
}
