import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { ChangingLogin, Login } from '@eco/base';
import {
  branchTokenSecretsSchema,
  createBranchKey,
  createTokenSecrets,
  publicKeyOf,
  tokenFileSchema,
  verifierSecretsSchema,
  type TokenFile,
} from '@eco/access';
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
  readonly tokens: TokenFile;
  /** Passwords that a rotation is making valid. A rotation that was interrupted leaves its password here. */
  readonly next: NextPasswords;
}

/** Passwords by broker user. Each branch and each group of the description has a user. */
type BrokerPasswords = Readonly<Record<BrokerUser, string>>;

/** The owner of a password that can be rotated. */
export type PasswordOwner =
  | { readonly server: 'database'; readonly name: DatabaseLogin }
  | { readonly server: 'broker'; readonly name: BrokerUser };

/** Passwords by name of their owner. */
type NextPasswords = Readonly<Record<PasswordOwner['server'], Readonly<Partial<Record<string, string>>>>>;

/** The branches and groups of a chain. Each has its own broker user. */
export interface Members {
  readonly branchIds: readonly string[];
  readonly groupIds: readonly string[];
}

/** `postgres` is the superuser that initdb makes. */
export type DatabaseLogin = 'postgres' | LoginRole;

const databaseLogins: readonly DatabaseLogin[] = ['postgres', ...loginRoles];

const passwordsSchema = z.record(z.string(), z.string().min(1));

const TOKENS_FILE = 'tokens.json';
const NEXT_FILE = 'next.json';
/** File with the passwords of a server's users. */
const PASSWORDS_FILE = { broker: 'broker.json', database: 'database.json' } as const;

/** Database roles of each service. */
const databaseNeeds: Record<App, readonly LoginRole[]> = {
  'central-api': ['eco_reader', 'eco_identity', ...consumerRoles],
  'sucursal-api': [],
  'read-service': ['eco_reader', 'eco_monitor', 'eco_pins'],
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
    path.join(dir, PASSWORDS_FILE.broker),
    ['cookie', ...brokerUsersOf(members)],
    isMember,
  );
  const database = await openFile(path.join(dir, PASSWORDS_FILE.database), databaseLogins);
  const tokens = await openTokenSecrets(path.join(dir, TOKENS_FILE), members.branchIds);
  return { cookie, broker, database, tokens, next: readNext(dir) };
}

/** Every owner of a password, databases first. */
export function secretOwners({ broker, database }: Secrets): PasswordOwner[] {
  const namesIn = <Name extends string>(passwords: Readonly<Record<Name, string>>) => Object.keys(passwords) as Name[];
  return [
    ...namesIn(database).map((name) => ({ server: 'database' as const, name })),
    ...namesIn(broker).map((name) => ({ server: 'broker' as const, name })),
  ];
}

/** The passwords that the owner's server may accept now, the newest first. */
export function passwordsOf(dataDir: string, { server, name }: PasswordOwner): string[] {
  const dir = secretsDir(dataDir);
  const present = passwordsSchema.parse(JSON.parse(readFileSync(path.join(dir, PASSWORDS_FILE[server]), 'utf8')))[name];
  return [readNext(dir)[server][name], present].filter((password) => password !== undefined);
}

/** The superuser's login, for connections that a process opens long after it read the secrets. */
export function superuserOf(dataDir: string): ChangingLogin {
  return { user: 'postgres', password: () => passwordsOf(dataDir, { server: 'database', name: 'postgres' }) };
}

/** Makes and stores the owner's next password. A rotation that was interrupted continues with the one that it made. */
export async function announcePassword(dataDir: string, { server, name }: PasswordOwner): Promise<string> {
  const dir = secretsDir(dataDir);
  const next = readNext(dir);
  const known = next[server][name];
  if (known !== undefined) return known;
  const password = newPassword();
  await writeNext(dir, { ...next, [server]: { ...next[server], [name]: password } });
  return password;
}

/** Makes the owner's next password the present one. */
export async function adoptPassword(dataDir: string, { server, name }: PasswordOwner): Promise<void> {
  const dir = secretsDir(dataDir);
  const next = readNext(dir);
  const { [name]: password, ...others } = next[server];
  if (password === undefined) throw new Error(`no next password of ${name} was stored`);
  const file = path.join(dir, PASSWORDS_FILE[server]);
  await replaceSecretFile(file, toJson({ ...(await readJson(file)), [name]: password }));
  await writeNext(dir, { ...next, [server]: others });
}

/** Replaces the secret that the brokers share. They use it from their next start on. */
export async function replaceCookie(dataDir: string): Promise<void> {
  const file = brokerSecretsFile(dataDir);
  await replaceSecretFile(file, toJson({ ...(await readJson(file)), cookie: newPassword() }));
}

/** Replaces the owner's passwords in the files of the services that have it. */
export async function setServicePasswords(
  files: readonly string[],
  { server, name }: PasswordOwner,
  passwords: readonly string[],
): Promise<void> {
  const password = passwords.length === 1 ? passwords[0] : passwords;
  for (const file of files) {
    const { amqp, events, database, ...others } = serviceFileSchema.parse(await readJson(file));
    const changedLogin = (login: typeof amqp) => {
      return server === 'broker' && login?.user === name ? { ...login, password } : login;
    };
    const hasRole = server === 'database' && database !== undefined && name in database;
    const changedDatabase = hasRole ? { ...database, [name]: password } : database;
    const changed = { ...others, amqp: changedLogin(amqp), events: changedLogin(events), database: changedDatabase };
    await replaceSecretFile(file, toJson(changed));
  }
}

/** What changes in a service's file. */
const serviceFileSchema = z.looseObject({
  amqp: z.looseObject({ user: z.string() }).optional(),
  events: z.looseObject({ user: z.string() }).optional(),
  database: z.record(z.string(), z.unknown()).optional(),
  tls: z.looseObject({ certificate: z.string() }).optional(),
  tokens: z
    .looseObject({ signingKey: z.unknown(), branchKey: z.looseObject({ branchId: z.string() }) })
    .partial()
    .optional(),
});

/** Replaces the password of a user in a file that libpq reads. */
export async function replacePasswordFile(file: string, user: string, password: string): Promise<void> {
  await replaceSecretFile(file, passwordLine(user, password));
}

/** A line for all servers and databases. */
export function passwordLine(user: string, password: string): string {
  return `*:*:*:${user}:${password}\n`;
}

/** Replaces the keys of access tokens, also in the files of services. Each file gets the keys of its service. */
export async function setServiceTokens(dataDir: string, files: readonly string[], tokens: TokenFile): Promise<void> {
  await replaceSecretFile(path.join(secretsDir(dataDir), TOKENS_FILE), toJson(tokens));
  for (const file of files) {
    const content = serviceFileSchema.parse(await readJson(file));
    if (content.tokens === undefined) continue;
    await replaceSecretFile(file, toJson({ ...content, ...tokensOf(ownerOfTokens(content.tokens), tokens) }));
  }
}

/** Replaces the certificates in the files of services that speak TLS. */
export async function renewServiceCertificates(
  files: readonly string[],
  renewed: (pem: string) => Promise<string>,
): Promise<void> {
  for (const file of files) {
    const content = serviceFileSchema.parse(await readJson(file));
    const { tls } = content;
    if (tls === undefined) continue;
    await replaceSecretFile(file, toJson({ ...content, tls: { ...tls, certificate: await renewed(tls.certificate) } }));
  }
}

/** The service that has these keys. */
function ownerOfTokens({ signingKey, branchKey }: NonNullable<z.output<typeof serviceFileSchema>['tokens']>) {
  if (branchKey !== undefined) return { app: 'sucursal-api', branchId: branchKey.branchId } as const;
  return { app: signingKey === undefined ? 'read-service' : 'central-api' } as const;
}

/** Passwords of branches and groups are kept, because a branch that is not described now may be described again. */
function isMember(user: string): boolean {
  return ['branch', 'writer'].includes(senderNamed(user)?.type ?? '');
}

export function brokerLogin({ broker }: Pick<Secrets, 'broker'>, user: BrokerUser): Login {
  const password = broker[user];
  if (password === undefined) throw new Error(`there is no password of the broker user ${user}`);
  return { user, password };
}

/** Properties of a service on which its secrets depend. */
export interface ServiceIdentity {
  readonly app: App;
  /** The branch that a sucursal-api serves. */
  readonly branchId?: string;
  /** The group that a shard-writer may lead. */
  readonly groupId?: string;
}

/** What a service needs for TLS: the certificate of the authority, and its own certificate with its key, in PEM. */
export interface TlsSecrets {
  readonly authority: string;
  readonly certificate: string;
}

/** A service's secrets, as in its `ECO_SECRETS_FILE`. Without `tls` it speaks plain text. */
export function serviceSecrets(service: ServiceIdentity, secrets: Secrets, tls?: TlsSecrets): string {
  return toJson({
    ...brokerLoginsOf(service, secrets),
    ...databasePasswordsOf(service, secrets),
    ...tokensOf(service, secrets.tokens),
    ...(tls && { tls }),
  });
}

function brokerLoginsOf(
  { app, branchId = '', groupId = '' }: ServiceIdentity,
  secrets: Secrets,
): Record<string, Login> {
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

function databasePasswordsOf({ app }: ServiceIdentity, { database }: Secrets): object {
  const roles = databaseNeeds[app];
  return roles.length === 0 ? {} : { database: Object.fromEntries(roles.map((role) => [role, database[role]])) };
}

/**
 * Keys of access tokens for a service. Central makes the tokens of people and programs, and a branch its own. The others
 * get public keys.
 */
function tokensOf({ app, branchId }: Pick<ServiceIdentity, 'app' | 'branchId'>, tokens: TokenFile): object {
  const { branchKeys, ...own } = tokens;
  switch (app) {
    case 'central-api':
      return { tokens: own };
    case 'sucursal-api': {
      const branchKey = branchKeys.find((key) => key.branchId === branchId);
      return { tokens: branchTokenSecretsSchema.parse({ ...own, branchKey }) };
    }
    case 'read-service':
      return { tokens: verifierSecretsSchema.parse({ ...own, branchKeys: branchKeys.map(publicKeyOf) }) };
    case 'shard-writer':
      return {};
  }
}

export async function writeServiceSecrets(
  dataDir: string,
  name: string,
  service: ServiceIdentity,
  secrets: Secrets,
  tls?: TlsSecrets,
): Promise<void> {
  await writeSecretFile(serviceSecretsFile(dataDir, name), serviceSecrets(service, secrets, tls));
}

export function serviceSecretsFile(dataDir: string, name: string): string {
  return path.join(secretsDir(dataDir), `${name}.json`);
}

export function brokerSecretsFile(dataDir: string): string {
  return path.join(secretsDir(dataDir), PASSWORDS_FILE.broker);
}

/** Writes a file of mode 0600, completely or not at all. `owner`: absent: the user of this process. */
export async function writeSecretFile(
  file: string,
  text: string,
  mode = 0o600,
  owner?: { readonly uid: number; readonly gid: number },
): Promise<void> {
  const unfinished = `${file}.new`;
  await writeFile(unfinished, text, { mode, flush: true });
  await chmod(unfinished, mode);
  if (owner !== undefined) await chown(unfinished, owner.uid, owner.gid);
  await rename(unfinished, file);
}

/** The same for an existing file, which keeps its mode and its owner. */
export async function replaceSecretFile(file: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(file);
  await writeSecretFile(file, text, mode & 0o777, { uid, gid });
}

export function secretsDir(dataDir: string): string {
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
  const known = passwordsSchema.parse(JSON.parse(text ?? '{}'));
  const all = {
    ...Object.fromEntries(names.map((name) => [name, known[name] ?? newPassword()])),
    ...Object.fromEntries(Object.entries(known).filter(([name]) => keeps(name))),
  } as Record<Name, string>;
  const isComplete = Object.keys(known).length === Object.keys(all).length && names.every((name) => name in known);
  if (!isComplete) await writeSecretFile(file, toJson(all));
  return all;
}

/**
 * Reads the keys, or creates them if there is no file. It creates the missing keys of branches. A file that lacks another
 * key is an error, because the key must have been removed on purpose.
 */
async function openTokenSecrets(file: string, branchIds: readonly string[]): Promise<TokenFile> {
  const text = await readIfPresent(file);
  const known = tokenFileSchema.parse(text === undefined ? await createTokenSecrets() : JSON.parse(text));
  const missing = branchIds.filter((branchId) => !known.branchKeys.some((key) => key.branchId === branchId));
  if (text !== undefined && missing.length === 0) return known;
  const tokens = { ...known, branchKeys: [...known.branchKeys, ...(await Promise.all(missing.map(createBranchKey)))] };
  await writeSecretFile(file, toJson(tokens));
  return tokens;
}

function readNext(dir: string): NextPasswords {
  const file = path.join(dir, NEXT_FILE);
  const passwords = passwordsSchema.default({});
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '{}';
  return z.object({ database: passwords, broker: passwords }).parse(JSON.parse(text));
}

async function writeNext(dir: string, next: NextPasswords): Promise<void> {
  const file = path.join(dir, NEXT_FILE);
  // The folder's owner, not the caller, owns its files.
  const { uid, gid } = await stat(dir);
  await writeSecretFile(file, toJson(next), 0o600, { uid, gid });
}

async function readJson(file: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
}

/** Text of a file. Undefined: there is no such file. */
export function readIfPresent(file: string): Promise<string | undefined> {
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
