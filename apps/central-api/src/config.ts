import { readConfig, secretsSetting, settings, type ConfigOf, type Environment } from '@eco/edge';

export const centralSettings = {
  name: { ...settings.name, default: 'central-api' },
  host: settings.host,
  port: { ...settings.port, default: '8000' },
  logLevel: settings.logLevel,
  brokers: settings.brokers,
  groups: settings.groups,
  readUrl: settings.readUrl,
  secrets: secretsSetting(['eco_reader', 'eco_central', 'eco_statistics', 'eco_notifications']),
};

export type CentralConfig = ConfigOf<typeof centralSettings>;

/** Throws a `ConfigError` that names every fault. */
export function readCentralConfig(environment: Environment): CentralConfig {
  return readConfig(centralSettings, environment);
}
