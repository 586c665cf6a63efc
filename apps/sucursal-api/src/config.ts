import { verifierSecretsSchema } from '@eco/access';
import { z } from 'zod';
import {
  apiSecretsSetting,
  clientSettings,
  readConfig,
  settings,
  type ConfigOf,
  type Environment,
  type Setting,
} from '@eco/service';
import { readSettings } from '@eco/api/reads';

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
  groups: settings.groups,
  tokenGraceHours: settings.tokenGraceHours,
  pinsFile: {
    variable: 'ECO_PINS_FILE',
    description: 'File in which the branch keeps the hashes of its staff’s PINs; absent: no log-in by PIN',
    schema: z.string().optional(),
  } satisfies Setting<string | undefined>,
  ...readSettings,
  secrets: apiSecretsSetting(['eco_reader'], { tokens: verifierSecretsSchema }),
};

export type SucursalConfig = ConfigOf<typeof sucursalSettings>;

const NAME_LENGTH_MAX = 64;

/** Throws a `ConfigError` that names every violation. The default name of the process contains its branch. */
export function readSucursalConfig(environment: Environment): SucursalConfig {
  const config = readConfig(sucursalSettings, environment);
  if (environment[settings.name.variable]) return config;
  return Object.freeze({ ...config, name: `${config.name}-${config.branchId}`.slice(0, NAME_LENGTH_MAX) });
}
