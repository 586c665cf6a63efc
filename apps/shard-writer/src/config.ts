import { COMMAND_DAYS_MAX } from '@eco/contracts';
import {
  ConfigError,
  readConfig,
  secretsSetting,
  settings,
  tracingSettings,
  wholeNumberSetting,
  withAuthority,
  type ConfigOf,
  type Environment,
  type GroupAddresses,
  type Setting,
} from '@eco/service';

export const writerSettings = {
  name: settings.name,
  hosts: settings.hosts,
  operatorsHost: settings.operatorsHost,
  operatorsPort: settings.operatorsPort,
  logLevel: settings.logLevel,
  ...tracingSettings,
  brokers: settings.brokers,
  groups: settings.groups,
  group: settings.group,
  secrets: secretsSetting(['eco_writer']),
  batchLimit: {
    variable: 'ECO_BATCH_LIMIT',
    description: 'Most commands in one batch; a larger batch gains little, and its callers wait for all of it',
    default: '1000',
    schema: wholeNumberSetting(1, 10_000),
  } satisfies Setting<number>,
  keepDays: {
    variable: 'ECO_KEEP_DAYS',
    description: 'Days for which tombstones, closed dead letters and removed cart items are kept',
    default: '180',
    // A command expires after 90 days; ten more days cover differences between clocks.
    schema: wholeNumberSetting(COMMAND_DAYS_MAX + 10, 36_500),
  } satisfies Setting<number>,
  keepContentDays: {
    variable: 'ECO_KEEP_CONTENT_DAYS',
    description: 'Days for which a closed dead letter keeps its content, which may be personal',
    default: '7',
    schema: wholeNumberSetting(0, 36_500),
  } satisfies Setting<number>,
  replicaAbsentS: {
    variable: 'ECO_REPLICA_ABSENT_S',
    description: 'After this time an absent replica no longer holds back vacuum, s',
    default: '60',
    schema: wholeNumberSetting(1, 86_400),
  } satisfies Setting<number>,
};

export type WriterConfig = ConfigOf<typeof writerSettings> & {
  /** The nodes of the group that this process may lead. */
  readonly nodes: GroupAddresses['nodes'];
};

/** Throws a `ConfigError` that names every violation. */
export function readWriterConfig(environment: Environment): WriterConfig {
  const config = withAuthority(readConfig(writerSettings, environment));
  const group = config.groups.find(({ id }) => id === config.group);
  if (group === undefined) throw new ConfigError([`ECO_GROUP names ${config.group}, which is not among ECO_GROUPS`]);
  return { ...config, nodes: group.nodes };
}
