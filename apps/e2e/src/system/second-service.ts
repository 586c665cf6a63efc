import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { hostPort } from '@eco/base';
import { PROJECT_DIR, type App } from '@eco/cluster';
import { eventually } from '@eco/testing';
import { Api, type System } from './system.js';

export interface SecondService {
  readonly api: Api;
  /** Its listener for operators. */
  readonly operators: Api;
  readonly url: string;
  /** Sends a signal to its process. */
  signal(name: NodeJS.Signals): void;
  /** Ends a process that was stopped (SIGSTOP), too. */
  stop(): Promise<void>;
}

/** Starts a second instance of a service with other settings. */
export async function startSecond(
  system: System,
  app: Exclude<App, 'shard-writer'>,
  settings: Record<string, string>,
): Promise<SecondService> {
  const { layout, dataDir } = system;
  const name = `second-${app}`;
  const process_ = spawn(process.execPath, [path.join(PROJECT_DIR, `apps/${app}/dist/main.js`)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      ECO_NAME: name,
      ECO_PORT: '0',
      ECO_OPERATORS_PORT: '0',
      ECO_BROKERS: layout.brokers.map(({ host, amqpPort }) => `${host}:${amqpPort}`).join(','),
      ECO_SECRETS_FILE: path.join(dataDir, 'secrets', `${app}.json`),
      ...(app === 'central-api' && { ECO_JOURNAL_DIR: path.join(dataDir, 'journals') }),
      ...(app === 'sucursal-api'
        ? {
            ECO_GROUP_IDS: layout.groups.map(({ id }) => id).join(','),
            ECO_BRANCH_DIR: path.join(dataDir, 'branches', name),
          }
        : { ECO_GROUPS: layout.groups.map(({ id, nodes }) => `${id}=${nodes.map(hostPort).join(',')}`).join(';') }),
      ...settings,
    },
  });
  const ended = new Promise<void>((resolve) => process_.once('exit', () => resolve()));
  let said = '';
  process_.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  process_.stdout.pipe(createWriteStream(path.join(dataDir, 'log', `${name}.log`)));
  const stop = async (): Promise<void> => {
    process_.kill('SIGCONT');
    process_.kill('SIGTERM');
    await ended;
  };
  try {
    const [, url = '', operatorsUrl = ''] = await eventually(`${name} listens`, () =>
      /"url":"([^"]+)","operatorsUrl":"([^"]+)"/.exec(said),
    );
    const api = new Api(url, system.callers);
    await eventually(`${name} is ready`, async () => (await api.get('/health/ready')).status === 200);
    return { api, operators: new Api(operatorsUrl), url, signal: (signal) => void process_.kill(signal), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
