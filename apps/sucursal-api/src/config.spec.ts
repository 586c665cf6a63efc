import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { verifierSecretsSchema } from '@eco/access';
import { settingRows } from '@eco/service';
import { documentedSettings, specTokens } from '@eco/testing';
import { readSucursalConfig, sucursalSettings } from './config.js';

const dir = mkdtempSync(path.join(tmpdir(), 'eco-sucursal-config-'));
afterAll(() => rmSync(dir, { recursive: true }));

const file = path.join(dir, 'secrets.json');
beforeAll(async () => {
  const tokens = verifierSecretsSchema.parse(await specTokens);
  const secrets = { amqp: { user: 'api', password: 'a' }, database: { eco_reader: 'b' }, tokens };
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
});
const environment = { ECO_BROKERS: 'localhost:5672', ECO_GROUPS: 'g1=db-1:5432', ECO_SECRETS_FILE: file };

it('refuses to serve the head office as a branch', () => {
  expect(() => readSucursalConfig({ ...environment, ECO_BRANCH_ID: 'central' })).toThrow(
    /ECO_BRANCH_ID must not be "central": that is the head office/,
  );
});

it('is named after its branch by default, so that no two branches have the same name', () => {
  const nameOf = (more: Record<string, string>) => readSucursalConfig({ ...environment, ...more }).name;
  expect(nameOf({ ECO_BRANCH_ID: 'sucursal-7' })).toBe('sucursal-api-sucursal-7');
  expect(nameOf({ ECO_BRANCH_ID: 'x'.repeat(64) })).toHaveLength(64);
  expect(nameOf({ ECO_BRANCH_ID: 'sucursal-7', ECO_NAME: 'till-api' })).toBe('till-api');
});

it('has its settings in docs/operations.md', () => {
  expect(documentedSettings('sucursal')).toEqual(new Set(settingRows(sucursalSettings)));
});
