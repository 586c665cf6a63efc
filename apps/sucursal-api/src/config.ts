import { readConfig, secretsSetting, settings, type ConfigOf, type Environment } from '@eco/edge';
import { readSettings } from '@eco/reads';

export const sucursalSettings = {
  name: { ...settings.name, default: 'sucursal-api' },
  host: settings.host,
  port: { ...settings.port, default: '8002' },
  logLevel: settings.logLevel,
  branchId: settings.branchId,
  brokers: settings.brokers,
  groups: settings.groups,
  ...readSettings,
  secrets: secretsSetting(['eco_reader']),
};

export type SucursalConfig = ConfigOf<typeof sucursalSettings>;

/** Throws a `ConfigError` that names every fault. */
export function readSucursalConfig(environment: Environment): SucursalConfig {
  return readConfig(sucursalSettings, environment);
}
