import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import {
  branchTokenSecretsSchema,
  verifierSecretsSchema,
  type BranchTokenSecrets,
  type VerifierSecrets,
} from '@eco/access';
import type { ChangingLogin, Login, Password } from '@eco/base';
import type { TokenKeysFile } from '../token-keys.js';
import type { Setting } from './config.js';
import { tlsSecretsSchema, type TlsFile } from './tls.js';

/**
 * The secrets of a process: its broker login, the passwords of its database roles and the keys of access tokens. They
 * are in a separate file that nobody else can read; neither the environment nor the command line ever contains one. The
 * file is read again at each connection, so passwords are rotated without a restart (ADR 0079).
 */
export interface Secrets<Role extends string> {
  readonly amqp: ChangingLogin;
  /** Password by role. */
  readonly database: Readonly<Record<Role, Password>>;
  /** Absent: the process speaks plain text. */
  readonly tls?: TlsFile;
}

const word = z.string().min(1);
/** A password. While a rotation goes on, the new one and the former one. */
const passwordSecret = z.union([word, z.array(word).min(1)]);
const mailLogin = z.object({ user: word, password: word });
/** A login for the brokers. */
export const loginSecret = z.object({ user: word, password: passwordSecret });
const passwordsOf = <Role extends string>(roles: readonly Role[]) =>
  z.object(Object.fromEntries(roles.map((role) => [role, passwordSecret])) as Record<Role, typeof passwordSecret>);

/** Setting `ECO_SECRETS_FILE` of a process with these database roles. Its violations never quote the file. */
export function secretsSetting<const Role extends string>(roles: readonly Role[]): Setting<Secrets<Role>> {
  return processFileSetting({ amqp: loginSecret, database: passwordsOf(roles) }) as Setting<Secrets<Role>>;
}

/** The same for an API. `more`: its further secrets, with the keys to verify access tokens or also to make them. */
export function apiSecretsSetting<
  const Role extends string,
  Tokens extends VerifierSecrets,
  More extends z.ZodRawShape & { readonly tokens: z.ZodType<Tokens> },
>(roles: readonly Role[], more: More): Setting<Secrets<Role> & MoreSecrets<More>> {
  return tokenFileSetting({ amqp: loginSecret, database: passwordsOf(roles), ...more }) as Setting<
    Secrets<Role> & MoreSecrets<More>
  >;
}

/** Logins of the broker are read again at each connection. */
type MoreSecrets<More extends z.ZodRawShape & { readonly tokens: z.ZodType }> = {
  readonly [Name in keyof More]: More[Name] extends typeof loginSecret ? ChangingLogin : z.output<More[Name]>;
} & TokenKeysFile<z.output<More['tokens']> & VerifierSecrets>;

/** The same for an API that does not use the broker. */
export function readerSecretsSetting<const Role extends string>(
  roles: readonly Role[],
): Setting<Pick<Secrets<Role>, 'database' | 'tls'> & TokenKeysFile<VerifierSecrets>> {
  return tokenFileSetting({ database: passwordsOf(roles), tokens: verifierSecretsSchema }) as Setting<
    Pick<Secrets<Role>, 'database' | 'tls'> & TokenKeysFile<VerifierSecrets>
  >;
}

/** The same for the API of a branch, which uses no database. */
export function branchSecretsSetting(): Setting<
  Pick<Secrets<never>, 'amqp' | 'tls'> & TokenKeysFile<BranchTokenSecrets>
> {
  return tokenFileSetting({ amqp: loginSecret, tokens: branchTokenSecretsSchema }) as Setting<
    Pick<Secrets<never>, 'amqp' | 'tls'> & TokenKeysFile<BranchTokenSecrets>
  >;
}

function tokenFileSetting(shape: z.ZodRawShape & { readonly tokens: z.ZodType }): Setting<unknown> {
  return processFileSetting(shape, (path) => ({ readTokens: () => readPart(path, 'tokens', shape.tokens) }));
}

/** `more`: further properties of the secrets, made from the path of the file. */
function processFileSetting(shape: z.ZodRawShape, more: (path: string) => object = () => ({})): Setting<unknown> {
  const description = 'File of mode 0600, or readable for a group of this process (0440), with its passwords and keys';
  const withTls = z.object({ ...shape, tls: tlsSecretsSchema.optional() });
  return fileSetting('ECO_SECRETS_FILE', description, withTls, (secrets, path) => ({
    ...withPresentPasswords(secrets as ProcessFile, path),
    ...tlsOf(secrets as Pick<z.output<typeof withTls>, 'tls'>, path),
    ...more(path),
  }));
}

function tlsOf(
  { tls }: { readonly tls?: z.output<typeof tlsSecretsSchema> | undefined },
  path: string,
): { tls?: TlsFile } {
  if (tls === undefined) return {};
  return { tls: { ...tls, readCertificate: () => readPart(path, 'tls', tlsSecretsSchema).certificate } };
}

/** What the files of all processes have. */
const processFileSchema = z.looseObject({
  amqp: loginSecret.optional(),
  events: loginSecret.optional(),
  /** Absent: the process uses no database. */
  database: z.record(z.string(), passwordSecret).optional(),
});
type ProcessFile = z.output<typeof processFileSchema>;

/**
 * The secrets with each password as a function that reads the file. While the file can't be read, the known passwords
 * stay in use.
 */
function withPresentPasswords(file: ProcessFile, path: string): object {
  let known = file;
  const present = (passwordIn: (present: ProcessFile) => string | string[] | undefined) => () => {
    const read = readSecrets(path, processFileSchema);
    if (read.type === 'secrets') known = read.secrets as ProcessFile;
    return [passwordIn(known) ?? []].flat();
  };
  const logins = (['amqp', 'events'] as const).flatMap((name) => {
    const user = file[name]?.user;
    return user === undefined ? [] : [[name, { user, password: present((now) => now[name]?.password) }] as const];
  });
  const roles = Object.keys(file.database ?? {});
  const database = roles.map((role) => [role, present((now) => now.database?.[role])] as const);
  return { ...file, ...Object.fromEntries(logins), ...(file.database && { database: Object.fromEntries(database) }) };
}

/** Reads one member of the secrets file again. */
function readPart<Schema extends z.ZodType>(path: string, member: string, schema: Schema): z.output<Schema> {
  const read = readSecrets(path, z.object({ [member]: schema }));
  if (read.type === 'violations') throw new Error(`ECO_SECRETS_FILE ${read.violations.join('; ')}`);
  return (read.secrets as Record<string, z.output<Schema>>)[member] as z.output<Schema>;
}

/** A setting for an optional login in a separate file: `{"user": …, "password": …}`. */
export function loginFileSetting(variable: string, description: string): Setting<Login | undefined> {
  const { schema, ...setting } = fileSetting(variable, description, mailLogin, (login) => login);
  return { ...setting, schema: schema.optional() as z.ZodType<Login | undefined> };
}

function fileSetting(
  variable: string,
  description: string,
  shape: z.ZodType,
  /** Makes the value of the setting from the content of the file. */
  use: (secrets: unknown, path: string) => unknown,
): Setting<unknown> {
  return {
    variable,
    description,
    schema: z.string().transform((path, context) => {
      const read = readSecrets(path, shape);
      if (read.type === 'secrets') return use(read.secrets, path);
      read.violations.forEach((violation) => context.addIssue(violation));
      return z.NEVER;
    }),
  };
}

/**
 * Why others than this process can read the file; undefined: they cannot. Its group may read it if the process is in that
 * group, because Kubernetes gives a secret to a process in this way (mode 0440, `fsGroup`).
 */
function exposureOf(path: string): string | undefined {
  // Windows has no permission bits.
  if (process.platform === 'win32') return undefined;
  const { mode, gid } = statSync(path);
  const forOthers = mode & 0o077;
  if (forOthers === 0) return undefined;
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  if (forOthers !== GROUP_READ) return `names ${path}, which others can read (mode ${shown}): chmod 600 ${path}`;
  if (process.getegid?.() === gid || process.getgroups?.().includes(gid)) return undefined;
  return (
    `names ${path}, which the group ${gid} can read (mode ${shown}), and this process is not in it: ` +
    `chmod 600 ${path}, or give the file a group of this process`
  );
}

const GROUP_READ = 0o040;

type ReadSecrets = { type: 'secrets'; secrets: unknown } | { type: 'violations'; violations: string[] };

function readSecrets(path: string, shape: z.ZodType): ReadSecrets {
  let text: string;
  try {
    const violation = exposureOf(path);
    if (violation !== undefined) return { type: 'violations', violations: [violation] };
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return {
      type: 'violations',
      violations: [`names ${path}, which can't be read: ${(error as NodeJS.ErrnoException).code}`],
    };
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return { type: 'violations', violations: [`names ${path}, which is not JSON`] };
  }
  const read = shape.safeParse(content);
  if (read.success) return { type: 'secrets', secrets: read.data };
  const violations = read.error.issues.map((issue) => `names ${path}, which has no proper "${issue.path.join('.')}"`);
  return { type: 'violations', violations: violations };
}
