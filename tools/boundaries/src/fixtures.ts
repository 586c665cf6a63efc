import type { Fixture } from './lint.js';
import { filesMatching } from './workspace.js';

/** A text that one rule refuses, and a part of the rule's message. */
interface Refused extends Fixture {
  what: string;
  ruleId: string | null;
  saying: RegExp;
}

const base = 'libs/base/src/index.ts';
const contracts = 'libs/contracts/src/index.ts';
const routing = 'libs/routing/src/index.ts';
const domain = 'libs/domain/src/index.ts';
const broker = 'libs/broker/src/index.ts';
const subscription = 'libs/broker/src/events/subscription.ts';
const consumers = 'libs/consumers/src/index.ts';
const consumer = 'apps/central-api/src/consumers/customers/customers.consumer.ts';
const migration = 'libs/database/src/migrations/index.ts';
const journal = 'libs/journal/src/index.ts';
const database = 'libs/database/src/index.ts';
const service = 'libs/service/src/index.ts';
const reads = 'libs/reads/src/index.ts';
const intake = 'libs/intake/src/index.ts';
const readRoute = 'libs/api/src/orders/order.read.ts';
const commandRoute = 'libs/api/src/orders/place-order.command.ts';
const readService = 'apps/read-service/src/main.ts';
const cluster = 'infra/cluster/src/index.ts';
const centralApi = 'apps/central-api/src/main.ts';
const eco = 'apps/eco/src/main.ts';
const testing = 'libs/testing/src/index.ts';
const bench = 'tools/bench/src/main.ts';
const monolith = 'tools/bench/src/monolith/main.ts';
const workspace = 'tools/boundaries/src/workspace.ts';
const spec = 'tools/boundaries/src/rules.spec.ts';
const domainSpec = filesMatching('libs/{domain,routing}/src/**/*.spec.ts')[0] ?? 'no spec of the domain';

const layers = '@nx/enforce-module-boundaries';
const imports = '@typescript-eslint/no-restricted-imports';
const syntax = 'no-restricted-syntax';

export const refused: Refused[] = [
  {
    what: 'the base using another project',
    file: base,
    text: `import '@eco/contracts';`,
    ruleId: layers,
    saying: /"type:base" cannot depend on any libs/,
  },
  {
    what: 'the base using a package',
    file: base,
    text: `import 'zod';`,
    ruleId: layers,
    saying: /"type:base" is not allowed/,
  },
  {
    what: 'a contract using the domain',
    file: contracts,
    text: `import '@eco/routing';`,
    ruleId: layers,
    saying: /"type:contract" can only/,
  },
  {
    what: 'a contract using Nest',
    file: contracts,
    text: `import '@nestjs/common';`,
    ruleId: layers,
    saying: /"type:contract" is not allowed/,
  },
  {
    what: 'a contract using the base',
    file: contracts,
    text: `import '@eco/base';`,
    ruleId: layers,
    saying: /"type:contract" can only/,
  },
  {
    what: 'the domain using the base',
    file: domain,
    text: `import '@eco/base';`,
    ruleId: layers,
    saying: /"type:domain" can only/,
  },
  {
    what: 'the domain using an adapter',
    file: domain,
    text: `import '@eco/service';`,
    ruleId: layers,
    saying: /"type:domain" can only/,
  },
  {
    what: 'the domain using zod itself',
    file: domain,
    text: `import 'zod';`,
    ruleId: layers,
    saying: /"type:domain" is not allowed/,
  },
  {
    what: 'routing using a package',
    file: routing,
    text: `import 'rxjs';`,
    ruleId: layers,
    saying: /"type:domain" is not allowed/,
  },
  {
    what: 'a spec of the domain using Nest',
    file: domainSpec,
    text: `import '@nestjs/common';`,
    ruleId: layers,
    saying: /"type:domain" is not allowed/,
  },
  {
    what: 'an adapter using the cluster',
    file: service,
    text: `import '@eco/cluster';`,
    ruleId: layers,
    saying: /"type:adapter" can only/,
  },
  {
    what: 'an adapter using test helpers',
    file: service,
    text: `import '@eco/testing';`,
    ruleId: layers,
    saying: /"type:adapter" can only/,
  },
  {
    what: 'the cluster using test helpers',
    file: cluster,
    text: `import '@eco/testing';`,
    ruleId: layers,
    saying: /"type:infra" can only/,
  },
  {
    what: 'an app using test helpers',
    file: centralApi,
    text: `import '@eco/testing';`,
    ruleId: layers,
    saying: /"type:app" can only/,
  },
  {
    what: 'a path into another project',
    file: service,
    text: `import '../../routing/src/index.js';`,
    ruleId: layers,
    saying: /relative or absolute path/,
  },
  {
    what: 'a package that only came with another one',
    file: service,
    text: `import 'avvio';`,
    ruleId: layers,
    saying: /Only packages defined in the "package.json"/,
  },

  {
    what: 'RabbitMQ outside the broker',
    file: service,
    text: `import 'amqplib';`,
    ruleId: imports,
    saying: /Only @eco\/broker/,
  },
  {
    what: 'its connections outside the broker',
    file: testing,
    text: `import 'amqp-connection-manager';`,
    ruleId: imports,
    saying: /Only @eco\/broker/,
  },
  {
    what: 'golevelup outside the broker',
    file: consumers,
    text: `import '@golevelup/nestjs-rabbitmq';`,
    ruleId: imports,
    saying: /golevelup subscribes to events/,
  },
  {
    what: 'golevelup for commands',
    file: broker,
    text: `import '@golevelup/nestjs-rabbitmq';`,
    ruleId: imports,
    saying: /golevelup subscribes to events/,
  },
  {
    what: 'RabbitMQ in the database',
    file: database,
    text: `import 'amqplib/callback_api';`,
    ruleId: imports,
    saying: /Only @eco\/broker/,
  },
  {
    what: 'SQLite outside the journal',
    file: service,
    text: `import 'node:sqlite';`,
    ruleId: imports,
    saying: /Only @eco\/journal/,
  },
  {
    what: 'PostgreSQL outside the database',
    file: service,
    text: `import 'pg';`,
    ruleId: imports,
    saying: /Only @eco\/postgres/,
  },
  {
    what: 'TypeORM in a service',
    file: centralApi,
    text: `import 'typeorm';`,
    ruleId: imports,
    saying: /consumers’ own tables/,
  },
  {
    what: 'TypeORM’s Nest module in a service',
    file: centralApi,
    text: `import '@nestjs/typeorm';`,
    ruleId: imports,
    saying: /consumers’ own tables/,
  },
  {
    what: 'TypeORM in the write path',
    file: database,
    text: `import 'typeorm';`,
    ruleId: imports,
    saying: /consumers’ own tables/,
  },
  {
    what: 'PostgreSQL in a consumer',
    file: consumer,
    text: `import 'pg';`,
    ruleId: imports,
    saying: /Only @eco\/postgres/,
  },
  {
    what: 'PostgreSQL in the benchmark',
    file: bench,
    text: `import 'pg';`,
    ruleId: imports,
    saying: /Only @eco\/postgres/,
  },
  { what: 'PostgreSQL in a spec', file: spec, text: `import 'pg';`, ruleId: imports, saying: /Only @eco\/postgres/ },
  {
    what: 'a service starting servers',
    file: centralApi,
    text: `import '@eco/cluster';`,
    ruleId: imports,
    saying: /finds them running/,
  },
  {
    what: 'the domain reading files',
    file: domain,
    text: `import 'node:fs';`,
    ruleId: imports,
    saying: /computes only from its input/,
  },
  {
    what: 'routing waiting',
    file: routing,
    text: `import 'node:timers/promises';`,
    ruleId: imports,
    saying: /computes only from its input/,
  },
  {
    what: 'the choice of a node using Nest',
    file: reads,
    text: `import '@nestjs/common';`,
    ruleId: imports,
    saying: /know no HTTP/,
  },
  {
    what: 'the submission of commands using the frame of a service',
    file: intake,
    text: `import '@eco/service';`,
    ruleId: imports,
    saying: /know no HTTP/,
  },
  {
    what: 'the submission of commands using read routes',
    file: intake,
    text: `import '@eco/api/reads';`,
    ruleId: imports,
    saying: /know no HTTP/,
  },
  {
    what: 'a route that reads using the intake',
    file: readRoute,
    text: `import '@eco/intake';`,
    ruleId: imports,
    saying: /loads no command/,
  },
  {
    what: 'a route that reads using one that becomes a command',
    file: readRoute,
    text: `import './place-order.command.js';\nimport '../http/commands/accepted.js';`,
    ruleId: imports,
    saying: /loads no command/,
  },
  {
    what: 'the read-service using commands',
    file: readService,
    text: `import '@eco/api/commands';`,
    ruleId: imports,
    saying: /loads no command/,
  },
  {
    what: 'a built-in without its prefix',
    file: service,
    text: `import 'fs/promises';`,
    ruleId: imports,
    saying: /prefix node:/,
  },
  {
    what: 'a spec importing sleep',
    file: spec,
    text: `import 'node:timers/promises';`,
    ruleId: imports,
    saying: /wait for a condition/,
  },

  {
    what: 'two files importing each other',
    file: workspace,
    text: `import { lint } from './lint.js';\nexport const root = lint;`,
    ruleId: 'import-x/no-cycle',
    saying: /cycle/,
  },
  {
    what: 'a promise nobody awaits',
    file: workspace,
    text: `export function f() { Promise.resolve(1); }`,
    ruleId: '@typescript-eslint/no-floating-promises',
    saying: /must be awaited/,
    typed: true,
  },
  {
    what: 'a promise as a condition',
    file: workspace,
    text: `export const f = (p: Promise<number>) => (p ? 1 : 2);`,
    ruleId: '@typescript-eslint/no-misused-promises',
    saying: /conditional/,
    typed: true,
  },
  {
    what: 'any',
    file: service,
    text: `export const f = (x: any) => typeof x;`,
    ruleId: '@typescript-eslint/no-explicit-any',
    saying: /any/,
  },
  {
    what: 'an any from elsewhere',
    file: workspace,
    text: `export const f = (s: string): number => JSON.parse(s).a;`,
    ruleId: '@typescript-eslint/no-unsafe-return',
    saying: /any/,
    typed: true,
  },
  {
    what: 'a switch that forgets a case',
    file: workspace,
    text: `export function f(x: 'a' | 'b') { switch (x) { case 'a': return 1; } return 2; }`,
    ruleId: '@typescript-eslint/switch-exhaustiveness-check',
    saying: /"b"/,
    typed: true,
  },
  {
    what: 'a loose comparison',
    file: service,
    text: `export const f = (x: unknown) => x == 0;`,
    ruleId: 'eqeqeq',
    saying: /===/,
  },
  {
    what: 'something unused',
    file: service,
    text: `const x = 1;\nexport {};`,
    ruleId: '@typescript-eslint/no-unused-vars',
    saying: /never used/,
  },
  {
    what: 'a library ending the process',
    file: service,
    text: `export const f = () => process.exit(1);`,
    ruleId: 'no-restricted-properties',
    saying: /only a program/,
  },
  {
    what: 'a fault of types waved through',
    file: service,
    text: `// @ts-ignore\nexport {};`,
    ruleId: '@typescript-eslint/ban-ts-comment',
    saying: /ts-ignore/,
  },
  {
    what: 'a rule switched off without a reason',
    file: service,
    text: `// eslint-disable-next-line eqeqeq\nexport const f = (x: unknown) => x == 0;`,
    ruleId: '@eslint-community/eslint-comments/require-description',
    saying: /description/,
  },
  {
    what: 'a rule switched off for nothing',
    file: service,
    text: `// eslint-disable-next-line eqeqeq -- there was a reason once\nexport {};`,
    ruleId: null,
    saying: /Unused eslint-disable/,
  },

  {
    what: 'a test run alone',
    file: spec,
    text: `test.only('x', () => {});`,
    ruleId: syntax,
    saying: /No test is skipped/,
  },
  {
    what: 'a suite skipped',
    file: spec,
    text: `describe.skip('x', () => {});`,
    ruleId: syntax,
    saying: /No test is skipped/,
  },
  {
    what: 'a table of tests skipped',
    file: spec,
    text: `it.each([1]).skip('x', () => {});\nit.skip.each([1])('x', () => {});`,
    ruleId: syntax,
    saying: /No test is skipped/,
  },
  {
    what: 'a test skipped by a letter',
    file: spec,
    text: `xit('x', () => {});`,
    ruleId: syntax,
    saying: /No test is skipped/,
  },
  {
    what: 'a test that sleeps',
    file: spec,
    text: `test('x', () => new Promise((done) => setTimeout(done, 10)));`,
    ruleId: syntax,
    saying: /wait for a condition/,
  },
  ...[
    'private x = 1;',
    'private x() {}',
    'private get x() { return 1; }',
    'constructor(private readonly x: number) {}',
  ].map((member) => ({
    what: `the member ${member}`,
    file: base,
    text: `export class A { ${member} }`,
    ruleId: syntax,
    saying: /is #name/,
  })),
];

/** Texts that the same rules accept: a rule that refused everything would pass the list above. */
export const accepted: (Fixture & { what: string })[] = [
  { what: 'a contract using zod', file: contracts, text: `import 'zod';\nimport 'node:crypto';` },
  {
    what: 'the domain using contracts and routing',
    file: domain,
    text: `import '@eco/contracts';\nimport '@eco/routing';`,
  },
  { what: 'routing hashing', file: routing, text: `import 'node:crypto';` },
  {
    what: 'a spec of the domain using properties',
    file: domainSpec,
    text: `import 'fast-check';\nimport '@eco/testing';`,
  },
  { what: 'the journal using SQLite', file: journal, text: `import 'node:sqlite';` },
  { what: 'the broker using RabbitMQ', file: broker, text: `import 'amqplib';` },
  {
    what: 'a subscription to events using golevelup',
    file: subscription,
    text: `import 'amqplib';\nimport '@golevelup/nestjs-rabbitmq';`,
  },
  { what: 'the database using PostgreSQL', file: database, text: `import 'pg';\nimport '@eco/domain';` },
  { what: 'migrations using TypeORM', file: migration, text: `import 'typeorm';` },
  { what: 'the store of consumers using TypeORM', file: consumers, text: `import 'typeorm';` },
  { what: 'a consumer using TypeORM', file: consumer, text: `import 'typeorm';` },
  {
    what: 'an adapter using Nest and Fastify',
    file: service,
    text: `import '@nestjs/common';\nimport 'fastify';\nimport 'node:fs';`,
  },
  {
    what: 'the cluster using broker and database',
    file: cluster,
    text: `import '@eco/broker';\nimport '@eco/database';`,
  },
  { what: 'the command line starting servers', file: eco, text: `import '@eco/cluster';\nprocess.exit(1);` },
  { what: 'the benchmark starting servers', file: bench, text: `import '@eco/cluster';\nprocess.exit(1);` },
  { what: 'its monolith using PostgreSQL', file: monolith, text: `import 'pg';\nimport 'fastify';` },
  { what: 'an adapter using the base', file: broker, text: `import '@eco/base';` },
  {
    what: 'a route that becomes a command using the intake',
    file: commandRoute,
    text: `import '@eco/intake';\nimport '../http/commands/accepted.js';\nimport './order.query.js';`,
  },
  { what: 'an app using adapters', file: centralApi, text: `import '@eco/service';\nimport '@eco/intake';` },
  {
    what: 'test helpers using everything',
    file: testing,
    text: `import '@eco/cluster';\nimport '@eco/database';\nimport '@eco/domain';`,
  },
  {
    what: 'private members of a class',
    file: base,
    text: `export class A { readonly #x = 1; private constructor(readonly y: number) {} get x() { return this.#x; } }`,
  },
  {
    what: 'a part that Nest passes',
    file: readRoute,
    text: `import { Controller } from '@nestjs/common';\n@Controller()\nexport class A { constructor(private readonly x: Date) {} }`,
  },
];
