import {
  branchSecretsSetting,
  clientSettings,
  ConfigError,
  readConfig,
  settings,
  withAuthority,
  type ConfigOf,
  type Environment,
  type Setting,
} from '@eco/service';
import { z } from 'zod';

export const sucursalSettings = {
  name: { ...settings.name, default: 'sucursal-api' },
  host: settings.host,
  port: { ...settings.port, default: '8002' },
  operatorsHost: settings.operatorsHost,
  operatorsPort: { ...settings.operatorsPort, default: '9001' },
  ...clientSettings,
  logLevel: settings.logLevel,
  branchId: settings.branchId,
  brokers: settings.brokers,
  groupIds: settings.groupIds,
  readServices: settings.readServices,
  tokenGraceHours: settings.tokenGraceHours,
  branchDir: {
    variable: 'ECO_BRANCH_DIR',
    description: 'Folder of what the branch stores; created if it is missing; no other process has it',
    schema: z.string(),
  } satisfies Setting<string>,
  secrets: branchSecretsSetting(),
};

export type SucursalConfig = ConfigOf<typeof sucursalSettings>;

const NAME_LENGTH_MAX = 64;

/** Throws a `ConfigError` that names every violation. The default name of the process contains its branch. */
export function readSucursalConfig(environment: Environment): SucursalConfig {
  const config = withAuthority(readConfig(sucursalSettings, environment));
  const { branchId: ofKey } = config.secrets.tokens.branchKey;
  if (ofKey !== config.branchId) {
    throw new ConfigError([`ECO_BRANCH_ID is ${config.branchId}, and the key in ECO_SECRETS_FILE is of ${ofKey}`]);
  }
  if (environment[settings.name.variable]) return config;
  return Object.freeze({ ...config, name: `${config.name}-${config.branchId}`.slice(0, NAME_LENGTH_MAX) });
}
