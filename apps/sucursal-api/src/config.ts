import { verifierSecretsSchema } from '@eco/access';
import { apiSecretsSetting, clientSettings, readConfig, settings, type ConfigOf, type Environment } from '@eco/service';
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
