import { z } from 'zod';

/*
 * Settings come from the environment. Each is declared once: variable, meaning, unit, default, and a schema from text
 * to value. They are read once, at start, and all violations are reported at once. The result is frozen and passed on
 * in parts, so nothing else reads the environment.
 */

export interface Setting<T> {
  readonly variable: string;
  readonly description: string;
  /** Unit of a number: ms, bytes, … */
  readonly unit?: string;
  /**
   * Default as the environment would state it. Absent: the setting is required, unless the schema accepts `undefined`.
   */
  readonly default?: string;
  readonly schema: z.ZodType<T>;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;
export type ConfigOf<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};
export type Environment = Readonly<Record<string, string | undefined>>;

/** The process can't start with these settings. Each violation is a sentence that begins with its variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly violations: readonly string[]) {
    super(`The settings are not right:\n${violations.map((violation) => `  ${violation}`).join('\n')}`);
  }
}

/** Reads the settings. An empty variable counts as absent. Throws a `ConfigError` that names every violation. */
export function readConfig<const S extends Settings>(settings: S, environment: Environment): ConfigOf<S> {
  const config: Record<string, unknown> = {};
  const violations: string[] = [];
  for (const [key, setting] of Object.entries(settings)) {
    const text = environment[setting.variable] || setting.default;
    const read = setting.schema.safeParse(text);
    if (read.success) config[key] = read.data;
    else if (text === undefined) violations.push(`${setting.variable} is missing: ${setting.description}`);
    else violations.push(...read.error.issues.map((issue) => `${setting.variable} ${issue.message}`));
  }
  if (environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    violations.push('NODE_TLS_REJECT_UNAUTHORIZED must not be 0: this process would accept every certificate');
  }
  if (violations.length > 0) throw new ConfigError(violations);
  return deepFreeze(config) as ConfigOf<S>;
}

export interface SettingRow {
  readonly variable: string;
  readonly default: string;
  readonly description: string;
}

/** The settings as rows of a table, for help and documents. */
export function settingRows(settings: Settings): SettingRow[] {
  return Object.values(settings).map((setting) => ({
    variable: setting.variable,
    default: setting.default ?? '',
    description: setting.unit === undefined ? setting.description : `${setting.description} (${setting.unit})`,
  }));
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
