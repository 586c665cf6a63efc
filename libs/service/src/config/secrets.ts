import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { verifierSecretsSchema, type VerifierSecrets } from '@eco/access';
import type { Login } from '@eco/base';
import type { TokenKeysFile } from '../token-keys.js';
import type { Setting } from './config.js';

/**
 * The secrets of a process: its broker login, the passwords of its database roles and the keys of access tokens. They
 * are in a separate file that nobody else can read; neither the environment nor the command line ever contains one.
 */
export interface Secrets<Role extends string> {
  readonly amqp: Login;
  /** Password by role. */
  readonly database: Readonly<Record<Role, string>>;
}

const word = z.string().min(1);
/** A login for a broker or a mail server. */
export const loginSecret = z.object({ user: word, password: word });
const passwordsOf = <Role extends string>(roles: readonly Role[]) =>
  z.object(Object.fromEntries(roles.map((role) => [role, word])) as Record<Role, typeof word>);

/** Setting `ECO_SECRETS_FILE` of a process with these database roles. Its violations never quote the file. */
export function secretsSetting<const Role extends string>(roles: readonly Role[]): Setting<Secrets<Role>> {
  return fileSetting(z.object({ amqp: loginSecret, database: passwordsOf(roles) })) as Setting<Secrets<Role>>;
}

/** The same for an API. `more`: its further secrets, with the keys to verify access tokens or also to make them. */
export function apiSecretsSetting<
  const Role extends string,
  Tokens extends VerifierSecrets,
  More extends z.ZodRawShape & { readonly tokens: z.ZodType<Tokens> },
>(
  roles: readonly Role[],
  more: More,
): Setting<Secrets<Role> & z.output<z.ZodObject<More>> & TokenKeysFile<z.output<More['tokens']>>> {
  return tokenFileSetting({ amqp: loginSecret, database: passwordsOf(roles), ...more }) as Setting<
    Secrets<Role> & z.output<z.ZodObject<More>> & TokenKeysFile<z.output<More['tokens']>>
  >;
}

/** The same for an API that does not use the broker. */
export function readerSecretsSetting<const Role extends string>(
  roles: readonly Role[],
): Setting<Pick<Secrets<Role>, 'database'> & TokenKeysFile<VerifierSecrets>> {
  return tokenFileSetting({ database: passwordsOf(roles), tokens: verifierSecretsSchema }) as Setting<
    Pick<Secrets<Role>, 'database'> & TokenKeysFile<VerifierSecrets>
  >;
}

function tokenFileSetting(shape: z.ZodRawShape & { readonly tokens: z.ZodType }): Setting<unknown> {
  return fileSetting(z.object(shape), undefined, undefined, (path) => ({
    readTokens: () => tokensIn(path, shape.tokens),
  }));
}

function tokensIn(path: string, tokens: z.ZodType): unknown {
  const read = readSecrets(path, z.object({ tokens }));
  if (read.type === 'violations') throw new Error(`ECO_SECRETS_FILE ${read.violations.join('; ')}`);
  return (read.secrets as { tokens: unknown }).tokens;
}

/** A setting for an optional login in a separate file: `{"user": …, "password": …}`. */
export function loginFileSetting(variable: string, description: string): Setting<Login | undefined> {
  const { schema, ...setting } = fileSetting(loginSecret, variable, description);
  return { ...setting, schema: schema.optional() as z.ZodType<Login | undefined> };
}

function fileSetting(
  shape: z.ZodType,
  variable = 'ECO_SECRETS_FILE',
  description = 'File of mode 0600 with the passwords and keys of this process',
  /** Further properties of the secrets, made from the path of the file. */
  more: (path: string) => object = () => ({}),
): Setting<unknown> {
  return {
    variable,
    description,
    schema: z.string().transform((path, context) => {
      const read = readSecrets(path, shape);
      if (read.type === 'secrets') return { ...(read.secrets as object), ...more(path) };
      read.violations.forEach((violation) => context.addIssue(violation));
      return z.NEVER;
    }),
  };
}

type ReadSecrets = { type: 'secrets'; secrets: unknown } | { type: 'violations'; violations: string[] };

function readSecrets(path: string, shape: z.ZodType): ReadSecrets {
  let text: string;
  try {
    const { mode } = statSync(path);
    // Windows has no permission bits.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      return {
        type: 'violations',
        violations: [`names ${path}, which others can read (mode ${shown}): chmod 600 ${path}`],
      };
    }
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
