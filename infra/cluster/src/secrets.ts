import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { createTokenSecrets, tokenSecretsSchema, verifierSecretsSchema, type TokenSecrets } from '@eco/access';
import type { BrokerUser } from '@eco/broker';
import { consumerRoles } from '@eco/contracts';
import { loginRoles, type LoginRole } from '@eco/database';
import type { App } from './layout.js';

/**
 * Every password and key is created here, at the first start, and kept in files that nobody else can read: the servers'
 * secrets in two files, the keys of access tokens in a third, and for each service a file with only what it needs. None
 * is in an argument, an environment or a log.
 */
export interface Secrets {
  /** Secret that the brokers share. */
  readonly cookie: string;
  readonly broker: Readonly<Record<BrokerUser, string>>;
  readonly database: Readonly<Record<DatabaseLogin, string>>;
  readonly tokens: TokenSecrets;
}

/** `postgres` is the superuser that initdb makes. */
export type DatabaseLogin = 'postgres' | LoginRole;

const brokerUsers = ['operator', 'central', 'sucursal', 'writer'] as const satisfies readonly BrokerUser[];
const databaseLogins: readonly DatabaseLogin[] = ['postgres', ...loginRoles];

/** Secrets of each service. */
const needs: Record<App, { amqp?: BrokerUser; database: readonly LoginRole[]; tokens?: 'make' | 'verify' }> = {
  'central-api': { amqp: 'central', database: ['eco_reader', ...consumerRoles], tokens: 'make' },
  'sucursal-api': { amqp: 'sucursal', database: ['eco_reader'], tokens: 'verify' },
  'read-service': { database: ['eco_reader', 'eco_monitor'], tokens: 'verify' },
  'shard-writer': { amqp: 'writer', database: ['eco_writer'] },
};

/** Reads the passwords of a data folder, and creates missing ones. */
export async function openSecrets(dataDir: string): Promise<Secrets> {
  const dir = secretsDir(dataDir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  // A caller that may only read the folder finds all passwords there.
  if (((await stat(dir)).mode & 0o777) !== 0o700) await chmod(dir, 0o700);
  const { cookie, ...broker } = await openFile(path.join(dir, 'broker.json'), ['cookie', ...brokerUsers]);
  const database = await openFile(path.join(dir, 'database.json'), databaseLogins);
  return { cookie, broker, database, tokens: await openTokenSecrets(path.join(dir, 'tokens.json')) };
}

/** Content of a service's `ECO_SECRETS_FILE`. */
export function serviceSecrets(app: App, secrets: Secrets): string {
  const { amqp, database, tokens } = needs[app];
  return toJson({
    ...(amqp && { amqp: { user: amqp, password: secrets.broker[amqp] } }),
    database: Object.fromEntries(database.map((role) => [role, secrets.database[role]])),
    ...(tokens === 'make' && { tokens: secrets.tokens }),
    ...(tokens === 'verify' && { tokens: verifierSecretsSchema.parse(secrets.tokens) }),
  });
}

export async function writeServiceSecrets(dataDir: string, name: string, app: App, secrets: Secrets): Promise<void> {
  await writeSecretFile(serviceSecretsFile(dataDir, name), serviceSecrets(app, secrets));
}

export function serviceSecretsFile(dataDir: string, name: string): string {
  return path.join(secretsDir(dataDir), `${name}.json`);
}

export function brokerSecretsFile(dataDir: string): string {
  return path.join(secretsDir(dataDir), 'broker.json');
}

/** Writes a file of mode 0600, completely or not at all. */
export async function writeSecretFile(file: string, text: string, mode = 0o600): Promise<void> {
  const unfinished = `${file}.new`;
  await writeFile(unfinished, text, { mode });
  await chmod(unfinished, mode);
  await rename(unfinished, file);
}

function secretsDir(dataDir: string): string {
  return path.join(dataDir, 'secrets');
}

async function openFile<Name extends string>(file: string, names: readonly Name[]): Promise<Record<Name, string>> {
  const text = await readIfPresent(file);
  const known = z.record(z.string(), z.string().min(1)).parse(JSON.parse(text ?? '{}'));
  const all = Object.fromEntries(names.map((name) => [name, known[name] ?? newPassword()])) as Record<Name, string>;
  if (toJson(all) !== text) await writeSecretFile(file, toJson(all));
  return all;
}

/** Creates the keys as a whole: one that is missing was removed on purpose, so it is an error. */
async function openTokenSecrets(file: string): Promise<TokenSecrets> {
  const text = await readIfPresent(file);
  if (text !== undefined) return tokenSecretsSchema.parse(JSON.parse(text));
  const created = await createTokenSecrets();
  await writeSecretFile(file, toJson(created));
  return created;
}

/** Undefined: there is no such file. */
function readIfPresent(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** 24 random bytes, in characters that need no escape in a URL, a configuration file or SQL. */
function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
