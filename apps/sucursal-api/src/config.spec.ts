import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { branchTokenSecretsSchema, createBranchKey } from '@eco/access';
import { settingRows } from '@eco/service';
import { documentedSettings, specTokens } from '@eco/testing';
import { readSucursalConfig, sucursalSettings } from './config.js';

const dir = mkdtempSync(path.join(tmpdir(), 'eco-sucursal-config-'));
afterAll(() => rmSync(dir, { recursive: true }));

const longest = 'x'.repeat(64);
const fileOf = (branchId: string) => path.join(dir, `${branchId}.json`);
beforeAll(async () => {
  for (const branchId of ['sucursal-7', longest]) {
    const branchKey = await createBranchKey(branchId);
    const tokens = branchTokenSecretsSchema.parse({ ...(await specTokens), branchKey });
    writeFileSync(fileOf(branchId), JSON.stringify({ amqp: { user: 'api', password: 'a' }, tokens }), { mode: 0o600 });
  }
});
const environment = {
  ECO_BROKERS: 'localhost:5672',
  ECO_GROUP_IDS: 'g1',
  ECO_READ_SERVICES: 'http://read-1:8003,https://read-2:8003',
  ECO_SECRETS_FILE: fileOf('sucursal-7'),
  ECO_BRANCH_DIR: path.join(dir, 'branch'),
};

it('refuses to serve the head office as a branch', () => {
  expect(() => readSucursalConfig({ ...environment, ECO_BRANCH_ID: 'central' })).toThrow(
    /ECO_BRANCH_ID must not be "central": that is the head office/,
  );
});

it('refuses the key of another branch', () => {
  expect(() => readSucursalConfig({ ...environment, ECO_BRANCH_ID: 'sucursal-8' })).toThrow(
    /ECO_BRANCH_ID is sucursal-8, and the key in ECO_SECRETS_FILE is of sucursal-7/,
  );
});

it('has no setting of a database', () => {
  const variables = settingRows(sucursalSettings).map(({ variable }) => variable);
  expect(variables).not.toContain('ECO_GROUPS');
  expect(variables.filter((variable) => /POSTGRES|PG|DATABASE/.test(variable))).toEqual([]);
});

it.each(['read-1:8003', 'http://read-1:8003/x', 'ftp://read-1', 'http://u:p@read-1', ''])(
  'refuses the address %j of a read-service',
  (address) => {
    const read = () => readSucursalConfig({ ...environment, ECO_BRANCH_ID: 'sucursal-7', ECO_READ_SERVICES: address });
    expect(read).toThrow(/ECO_READ_SERVICES/);
  },
);

it('is named after its branch by default, so that no two branches have the same name', () => {
  const nameOf = (more: Record<string, string>) => readSucursalConfig({ ...environment, ...more }).name;
  expect(nameOf({ ECO_BRANCH_ID: 'sucursal-7' })).toBe('sucursal-api-sucursal-7');
  expect(nameOf({ ECO_BRANCH_ID: longest, ECO_SECRETS_FILE: fileOf(longest) })).toHaveLength(64);
  expect(nameOf({ ECO_BRANCH_ID: 'sucursal-7', ECO_NAME: 'till-api' })).toBe('till-api');
});

it.each([
  ['ECO_CASH_ROUNDING_CENTS', '7'],
  ['ECO_PRINTER', 'printer'],
  ['ECO_PRINTER', 'printer:0'],
  ['ECO_RECEIPT_SERIES', 'a-b'],
  ['ECO_RECEIPT_LANGUAGE', 'fr'],
  ['ECO_RECEIPT_TIME_ZONE', 'CET'],
  ['ECO_RECEIPT_WIDTH', '10'],
  ['ECO_TAX_BASIS_POINTS', '16.5'],
])('refuses %s=%s', (variable, value) => {
  const read = () => readSucursalConfig({ ...environment, ECO_BRANCH_ID: 'sucursal-7', [variable]: value });
  expect(read).toThrow(new RegExp(variable));
});

it('reads the printer and the lines above a receipt', () => {
  const { printer, receiptHeader } = readSucursalConfig({
    ...environment,
    ECO_BRANCH_ID: 'sucursal-7',
    ECO_PRINTER: '[::1]:9100',
    ECO_RECEIPT_HEADER: 'EcoMarket; RFC ECO010101ABC',
  });
  expect(printer).toEqual({ host: '::1', port: 9100 });
  expect(receiptHeader).toEqual(['EcoMarket', 'RFC ECO010101ABC']);
});

it('has its settings in docs/operations.md', () => {
  expect(documentedSettings('sucursal')).toEqual(new Set(settingRows(sucursalSettings)));
});
