import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigError, readConfig } from './config.js';
import { secretsSetting } from './secrets.js';

const secrets = secretsSetting(['eco_reader', 'eco_central']);
let folder: string;
beforeAll(() => void (folder = mkdtempSync(path.join(tmpdir(), 'eco-secrets-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function read(content: string, mode = 0o600) {
  const file = path.join(folder, 'central-api.json');
  writeFileSync(file, content);
  chmodSync(file, mode);
  return readConfig({ secrets }, { ECO_SECRETS_FILE: file });
}

function errorOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

const good = {
  amqp: { user: 'central', password: 'p1' },
  database: { eco_reader: 'p2', eco_central: 'p3' },
};

it('reads the passwords of a process', () => {
  expect(read(JSON.stringify(good))).toEqual({ secrets: good });
});

it.each([0o640, 0o604, 0o644, 0o610])('refuses a file that others can read: mode %o', (mode) => {
  expect(errorOf(() => read(JSON.stringify(good), mode))).toContain('chmod 600');
});

it('names each secret that is missing, and quotes none', () => {
  const error = errorOf(() => read(JSON.stringify({ amqp: { user: 'central', password: 12345 }, database: {} })));
  expect(error).toContain('"amqp.password"');
  expect(error).toContain('"database.eco_reader"');
  expect(error).toContain('"database.eco_central"');
  expect(error).not.toContain('12345');
});

it('quotes nothing from a file that is no JSON', () => {
  const error = errorOf(() => read('password=12345'));
  expect(error).toContain('is not JSON');
  expect(error).not.toContain('12345');
});

it('states why a file cannot be read', () => {
  const environment = { ECO_SECRETS_FILE: path.join(folder, 'nowhere.json') };
  expect(errorOf(() => readConfig({ secrets }, environment))).toContain('ENOENT');
});
