import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Login } from '@eco/base';
import { createTokenSecrets, tokenSecretsSchema, verifierSecretsSchema, type TokenSecrets } from '@eco/access';
import { branchUser, brokerUsersOf, consumerRoles, senderNamed, writerUser, type BrokerUser } from '@eco/contracts';
import { loginRoles, type LoginRole } from '@eco/database';
import type { App } from './layout.js';

/**
 * Every password and key is created here, at the first start, and kept in files that nobody else can read: the servers'
 * secrets in two files, the keys of access tokens in a third, and for each service a file with only the secrets that it
 * needs. No secret is in an argument, an environment or a log.
 */
export interface Secrets {
  /** Secret that the brokers share. */
  readonly cookie: string;
  readonly broker: BrokerPasswords;
  readonly database: Readonly<Record<DatabaseLogin, string>>;
  readonly tokens: TokenSecrets;
}

/** Passwords by broker user. Each branch and each group of the description has a user. */
type BrokerPasswords = Readonly<Record<BrokerUser, string>>;

/** The branches and groups of a chain. Each has its own broker user. */
export interface Members {
  readonly branchIds: readonly string[];
  readonly groupIds: readonly string[];
}

/** `postgres` is the superuser that initdb makes. */
export type DatabaseLogin = 'postgres' | LoginRole;

const databaseLogins: readonly DatabaseLogin[] = ['postgres', ...loginRoles];

const TOKENS_FILE = 'tokens.json';

/** Database roles of each service. */
const databaseNeeds: Record<App, readonly LoginRole[]> = {
  'central-api': ['eco_reader', 'eco_identity', ...consumerRoles],
  'sucursal-api': ['eco_reader'],
  'read-service': ['eco_reader', 'eco_monitor'],
  'shard-writer': ['eco_writer'],
};

/**
 * Reads the passwords of a data folder, and creates missing ones. Without `members`, it reads the passwords of the
 * branches and groups that have one.
 */
export async function openSecrets(
  dataDir: string,
  members: Members = { branchIds: [], groupIds: [] },
): Promise<Secrets> {
  const dir = secretsDir(dataDir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  // A caller that may only read the folder finds all passwords there.
  if (((await stat(dir)).mode & 0o777) !== 0o700) await chmod(dir, 0o700);
  const { cookie, ...broker } = await openFile(
    path.join(dir, 'broker.json'),
    ['cookie', ...brokerUsersOf(members)],
    isMember,
  );
  const database = await openFile(path.join(dir, 'database.json'), databaseLogins);
  return { cookie, broker, database, tokens: await openTokenSecrets(path.join(dir, TOKENS_FILE)) };
}

/** Replaces the keys of access tokens, also in the files of these services. */
export async function writeTokenSecrets(
  dataDir: string,
  services: readonly { readonly name: string; readonly app: App }[],
  tokens: TokenSecrets,
): Promise<void> {
  const files = services.map(({ name, app }) => ({ app, file: serviceSecretsFile(dataDir, name) }));
  await writeTokens(dataDir, files, tokens);
}

/** Replaces the keys of access tokens, also in these files. `owner`: user and group of all files. */
export async function writeTokens(
  dataDir: string,
  files: readonly { readonly app: App; readonly file: string }[],
  tokens: TokenSecrets,
  owner?: number,
): Promise<void> {
  await writeSecretFile(path.join(secretsDir(dataDir), TOKENS_FILE), toJson(tokens), undefined, owner);
  for (const { app, file } of files) {
    const others = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeSecretFile(file, toJson({ ...others, ...tokensOf(app, tokens) }), undefined, owner);
  }
}

/** Passwords of branches and groups are kept, because a branch that is not described now may be described again. */
function isMember(user: string): boolean {
  return ['branch', 'writer'].includes(senderNamed(user)?.type ?? '');
}

export function brokerLogin({ broker }: Secrets, user: BrokerUser): Login {
  const password = broker[user];
  if (password === undefined) throw new Error(`there is no password of the broker user ${user}`);
  return { user, password };
}

/** Properties of a service on which its secrets depend. */
export interface ServiceIdentity {
  readonly app: App;
  /** The branch that a sucursal-api serves. */
  readonly branchId: string;
  /** The group that a shard-writer may lead. */
  readonly groupId?: string;
}

/** A service's secrets, as in its `ECO_SECRETS_FILE`. */
export function serviceSecrets(service: ServiceIdentity, secrets: Secrets): string {
  return toJson({
    ...brokerLoginsOf(service, secrets),
    database: Object.fromEntries(databaseNeeds[service.app].map((role) => [role, secrets.database[role]])),
    ...tokensOf(service.app, secrets.tokens),
  });
}

function brokerLoginsOf({ app, branchId, groupId = '' }: ServiceIdentity, secrets: Secrets): Record<string, Login> {
  switch (app) {
    case 'central-api':
      return { amqp: brokerLogin(secrets, 'central'), events: brokerLogin(secrets, 'consumers') };
    case 'sucursal-api':
      return { amqp: brokerLogin(secrets, branchUser(branchId)) };
    case 'shard-writer':
      return { amqp: brokerLogin(secrets, writerUser(groupId)) };
    case 'read-service':
      return {};
  }
}

/** Keys of access tokens for a service. Only Central makes tokens; the others get the public keys. */
function tokensOf(app: App, tokens: TokenSecrets): object {
  switch (app) {
    case 'central-api':
      return { tokens };
    case 'sucursal-api':
    case 'read-service':
      return { tokens: verifierSecretsSchema.parse(tokens) };
    case 'shard-writer':
      return {};
  }
}

export async function writeServiceSecrets(
  dataDir: string,
  name: string,
  service: ServiceIdentity,
  secrets: Secrets,
): Promise<void> {
  await writeSecretFile(serviceSecretsFile(dataDir, name), serviceSecrets(service, secrets));
}

export function serviceSecretsFile(dataDir: string, name: string): string {
  return path.join(secretsDir(dataDir), `${name}.json`);
}

export function brokerSecretsFile(dataDir: string): string {
  return path.join(secretsDir(dataDir), 'broker.json');
}

/** Writes a file of mode 0600, completely or not at all. `owner`: user and group; absent: those of this process. */
export async function writeSecretFile(file: string, text: string, mode = 0o600, owner?: number): Promise<void> {
  const unfinished = `${file}.new`;
  await writeFile(unfinished, text, { mode });
  await chmod(unfinished, mode);
  if (owner !== undefined) await chown(unfinished, owner, owner);
  await rename(unfinished, file);
}

function secretsDir(dataDir: string): string {
  return path.join(dataDir, 'secrets');
}

/**
 * Returns the passwords of these names, and creates missing ones. Of the other names in the file it keeps those that
 * `keeps` accepts.
 */
async function openFile<Name extends string>(
  file: string,
  names: readonly Name[],
  keeps: (name: string) => boolean = () => false,
): Promise<Record<Name, string>> {
  const text = await readIfPresent(file);
  const known = z.record(z.string(), z.string().min(1)).parse(JSON.parse(text ?? '{}'));
  const all = {
    ...Object.fromEntries(names.map((name) => [name, known[name] ?? newPassword()])),
    ...Object.fromEntries(Object.entries(known).filter(([name]) => keeps(name))),
  } as Record<Name, string>;
  const isComplete = Object.keys(known).length === Object.keys(all).length && names.every((name) => name in known);
  if (!isComplete) await writeSecretFile(file, toJson(all));
  return all;
}

/**
 * Reads the keys, or creates them if there is no file. A file that lacks a key is an error, because the key must have
 * been removed on purpose.
 */
async function openTokenSecrets(file: string): Promise<TokenSecrets> {
  const text = await readIfPresent(file);
  if (text !== undefined) return tokenSecretsSchema.parse(JSON.parse(text));
  const created = await createTokenSecrets();
  await writeSecretFile(file, toJson(created));
  return created;
}

/** Text of a file. Undefined: there is no such file. */
function readIfPresent(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** A password of 24 random bytes, in characters that need no escape in a URL, a configuration file or SQL. */
function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
