import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { hostPort } from '@eco/base';
import { PROJECT_DIR } from '@eco/cluster';
import { eventually } from '@eco/testing';
import { Api, type System } from './system.js';

/** Starts a second instance of Central with other settings. */
export async function startSecondCentral(
  system: System,
  settings: Record<string, string>,
): Promise<{ api: Api; stop(): Promise<void> }> {
  const { layout, dataDir } = system;
  const logFile = path.join(dataDir, 'log', 'second-central.log');
  const process_ = spawn(process.execPath, [path.join(PROJECT_DIR, 'apps/central-api/dist/main.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      ECO_NAME: 'second-central',
      ECO_PORT: '0',
      ECO_OPERATORS_PORT: '0',
      ECO_BROKERS: layout.brokers.map(({ host, amqpPort }) => `${host}:${amqpPort}`).join(','),
      ECO_GROUPS: layout.groups.map(({ id, nodes }) => `${id}=${nodes.map(hostPort).join(',')}`).join(';'),
      ECO_JOURNAL_DIR: path.join(dataDir, 'journals'),
      ECO_SECRETS_FILE: path.join(dataDir, 'secrets', 'central-api.json'),
      ...settings,
    },
  });
  const ended = new Promise<void>((resolve) => process_.once('exit', () => resolve()));
  let said = '';
  process_.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  process_.stdout.pipe(createWriteStream(logFile));
  const stop = async (): Promise<void> => {
    process_.kill('SIGTERM');
    await ended;
  };
  try {
    const url = await eventually('the second Central listens', () => /"url":"([^"]+)"/.exec(said)?.[1]);
    const api = new Api(url, system.callers);
    await eventually('the second Central is ready', async () => (await api.get('/health/ready')).status === 200);
    return { api, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
