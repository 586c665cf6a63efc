import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { isPortablePattern } from '@eco/contracts';
import { PROJECT_DIR } from '@eco/cluster';
import { Spectral } from '@stoplight/spectral-core';
import { openSystem, type System } from '../system/system.js';
import { ApiDocument, type OperationObject } from './api-document.js';
import { spectralRuleset } from './spectral-ruleset.js';

/** The API documents: what a generator of clients, a linter and a person get from them. */
const run = promisify(execFile);
const OUT_DIR = path.join(PROJECT_DIR, 'apps/e2e/dist/contract');
const parts = ['central', 'sucursal', 'read'] as const;

let system: System;
let documents: Record<(typeof parts)[number], ApiDocument>;
beforeAll(async () => {
  system = await openSystem();
  const entries = parts.map(async (part) => [part, await ApiDocument.readFrom(system.operators[part].url)] as const);
  documents = Object.fromEntries(await Promise.all(entries)) as typeof documents;
});

/** Every value in a document, with the keys that lead to it. */
function* nodesOf(value: unknown, keys: readonly string[] = []): Generator<[readonly string[], object]> {
  if (typeof value !== 'object' || value === null) return;
  yield [keys, value];
  for (const [key, each] of Object.entries(value)) yield* nodesOf(each, [...keys, key]);
}

function operationsOf(document: ApiDocument): [method: string, path: string, OperationObject][] {
  return Object.entries(document.openApi.paths).flatMap(([template, operations]) =>
    Object.entries(operations).map(([method, operation]): [string, string, OperationObject] => [
      method,
      template,
      operation,
    ]),
  );
}

describe.each(parts)('the document of %s', (part) => {
  it('has a type for every property', () => {
    const typed = ['type', '$ref', 'oneOf', 'anyOf', 'allOf', 'enum', 'const'];
    const empty = [...nodesOf(documents[part].openApi)].filter(
      ([keys, schema]) => keys.at(-2) === 'properties' && !typed.some((key) => key in schema),
    );
    expect(empty.map(([keys]) => keys.join('/'))).toEqual([]);
  });

  it('has only patterns that other languages read', () => {
    const patterns = [...nodesOf(documents[part].openApi)].flatMap(([, node]) => {
      const { pattern } = node as { pattern?: unknown };
      return typeof pattern === 'string' ? [pattern] : [];
    });
    expect(patterns.length).toBeGreaterThan(20);
    expect(patterns.filter((pattern) => !isPortablePattern(pattern))).toEqual([]);
    for (const pattern of new Set(patterns)) expect(new RegExp(pattern, 'u').source).toBe(new RegExp(pattern).source);
  });

  it('has an example for every parameter and body, except for keys that must be new', () => {
    const lacking = operationsOf(documents[part]).flatMap(([, , { operationId, parameters, requestBody }]) => [
      ...parameters
        .filter(({ name, example }) => example === undefined && name !== 'Idempotency-Key')
        .map(({ name }) => `${operationId}: ${name}`),
      ...Object.values(requestBody?.content ?? {})
        .filter(({ example }) => example === undefined)
        .map(() => `${operationId}: body`),
    ]);
    expect(lacking).toEqual([]);
    const keys = operationsOf(documents[part]).flatMap(([, , { parameters }]) =>
      parameters.filter(({ name }) => name === 'Idempotency-Key'),
    );
    expect(keys.filter(({ example }) => example !== undefined)).toEqual([]);
  });

  it('has examples that work: no read with all of them is a bad request', async () => {
    const reads = operationsOf(documents[part]).filter(([method]) => method === 'get');
    for (const [, template, { parameters }] of reads) {
      const given = (place: string) =>
        parameters
          .filter((parameter) => parameter.in === place)
          .map(({ name, example }): [string, string] => [name, String(example)]);
      const where = given('path').reduce(
        (filled, [name, value]) => filled.replace(`{${name}}`, encodeURIComponent(value)),
        template,
      );
      const query = new URLSearchParams(given('query')).toString();
      const said = await system[part].get(`${where}${query === '' ? '' : `?${query}`}`, {
        ...Object.fromEntries(given('header')),
        // A wait for the decision of an order that nobody has placed would only take time.
        prefer: 'wait=0',
      });
      // A role may not do everything, and the objects of the examples need not exist.
      const isAccepted = [200, 202, 403, 404].includes(said.status);
      expect([template, isAccepted, isAccepted ? '' : said.text]).toEqual([template, true, '']);
    }
  });

  it('passes Redocly and Spectral', async () => {
    mkdirSync(OUT_DIR, { recursive: true });
    const file = path.join(OUT_DIR, `${part}.json`);
    const { openApi } = documents[part];
    writeFileSync(file, JSON.stringify(openApi));
    const config = path.join(PROJECT_DIR, 'redocly.yaml');
    const redocly = path.join(PROJECT_DIR, 'node_modules/@redocly/cli/bin/cli.js');
    await run(process.execPath, [redocly, 'lint', file, '--config', config, '--format', 'stylish'], {
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    });
    const spectral = new Spectral();
    spectral.setRuleset(spectralRuleset);
    const found = await spectral.run(openApi as never);
    expect(found.map(({ code, path: at, message }) => `${code} ${at.join('/')}: ${message}`)).toEqual([]);
  });
});
