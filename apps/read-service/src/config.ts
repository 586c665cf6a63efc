import {
  clientSettings,
  oidcSettings,
  readConfig,
  readerSecretsSetting,
  settings,
  tracingSettings,
  withOidc,
  withAuthority,
  type ConfigOf,
  type Environment,
  type WithOidc,
} from '@eco/service';
import { readSettings } from '@eco/api/reads';

export const readServiceSettings = {
  name: { ...settings.name, default: 'read-service' },
  host: settings.host,
  port: { ...settings.port, default: '8003' },
  operatorsHost: settings.operatorsHost,
  operatorsPort: { ...settings.operatorsPort, default: '9002' },
  ...clientSettings,
  logLevel: settings.logLevel,
  ...tracingSettings,
  groups: settings.groups,
  tokenGraceHours: settings.tokenGraceHours,
  ...oidcSettings,
  ...readSettings,
  secrets: readerSecretsSetting(['eco_reader', 'eco_monitor', 'eco_pins']),
};

export type ReadServiceConfig = WithOidc<ConfigOf<typeof readServiceSettings>>;

/** Throws a `ConfigError` that names every violation. */
export function readServiceConfig(environment: Environment): ReadServiceConfig {
  return withAuthority(withOidc(readConfig(readServiceSettings, environment)));
}
