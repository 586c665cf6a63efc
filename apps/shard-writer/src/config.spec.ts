import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { settingRows } from '@eco/service';
import { documentedSettings } from '@eco/testing';
import { readWriterConfig, writerSettings } from './config.js';

const dir = mkdtempSync(path.join(tmpdir(), 'eco-writer-config-'));
afterAll(() => rmSync(dir, { recursive: true }));

const file = path.join(dir, 'secrets.json');
writeFileSync(file, JSON.stringify({ amqp: { user: 'writer', password: 'a' }, database: { eco_writer: 'b' } }), {
  mode: 0o600,
});
const environment = {
  ECO_NAME: 'shard-writer-1',
  ECO_OPERATORS_PORT: '9003',
  ECO_BROKERS: 'localhost:5672',
  ECO_GROUPS: 'g1=db-1:5432,db-2:5432;g2=db-3:5432',
  ECO_GROUP: 'g2',
  ECO_SECRETS_FILE: file,
};

it('uses the nodes of its own group', () => {
  expect(readWriterConfig(environment)).toMatchObject({
    nodes: [{ host: 'db-3', port: 5432 }],
    batchLimit: 1000,
    keepDays: 180,
    keepContentDays: 7,
  });
});

it('refuses an unknown group and a batch limit of 0', () => {
  expect(() => readWriterConfig({ ...environment, ECO_GROUP: 'g3' })).toThrow(/ECO_GROUP names g3/);
  expect(() => readWriterConfig({ ...environment, ECO_BATCH_LIMIT: '0' })).toThrow(/ECO_BATCH_LIMIT/);
});

it('refuses to keep rows for a shorter time than commands may be late', () => {
  expect(() => readWriterConfig({ ...environment, ECO_KEEP_DAYS: '90' })).toThrow(/ECO_KEEP_DAYS/);
  expect(readWriterConfig({ ...environment, ECO_KEEP_DAYS: '100' })).toMatchObject({ keepDays: 100 });
});

it('has its settings in docs/operations.md', () => {
  expect(documentedSettings('writer')).toEqual(new Set(settingRows(writerSettings)));
});
