import { ConfigError, readConfig, settingRows } from './config.js';
import { settings } from './settings.js';

const all = { name: settings.name, port: settings.port, brokers: settings.brokers, groups: settings.groups };
const good = {
  ECO_NAME: 'central-api-1',
  ECO_PORT: '8000',
  ECO_BROKERS: '127.0.0.1:5672, broker-2:5673,[::1]:5674',
  ECO_GROUPS: 'g1=127.0.0.1:5432,127.0.0.1:5433;g2=db:6000',
};

function violationsOf(environment: Record<string, string | undefined>): readonly string[] {
  try {
    readConfig(all, { ...good, ...environment });
  } catch (error) {
    if (error instanceof ConfigError) return error.violations;
    throw error;
  }
  return [];
}

it('reads the settings that are set', () => {
  expect(readConfig(all, good)).toEqual({
    name: 'central-api-1',
    port: 8000,
    brokers: [
      { host: '127.0.0.1', port: 5672 },
      { host: 'broker-2', port: 5673 },
      { host: '::1', port: 5674 },
    ],
    groups: [
      {
        id: 'g1',
        nodes: [
          { host: '127.0.0.1', port: 5432 },
          { host: '127.0.0.1', port: 5433 },
        ],
      },
      { id: 'g2', nodes: [{ host: 'db', port: 6000 }] },
    ],
  });
});

it('uses the default of absent or empty settings', () => {
  const some = { host: settings.host, logLevel: settings.logLevel };
  expect(readConfig(some, { ECO_HOST: '', ECO_LOG_LEVEL: undefined })).toEqual({ host: '127.0.0.1', logLevel: 'info' });
});

it('freezes the result deeply', () => {
  const config = readConfig(all, good);
  expect(Object.isFrozen(config) && Object.isFrozen(config.groups[0].nodes[0])).toBe(true);
});

it('names every violation of every setting at once', () => {
  const environment = {
    ECO_NAME: undefined,
    ECO_PORT: '70000',
    ECO_BROKERS: 'broker,a:0,b:1,b:1',
    ECO_GROUPS: 'g1=a:1,a:1;g 2=b:2;g1=c:3;nodes',
  };
  expect(violationsOf(environment)).toEqual([
    'ECO_NAME is missing: Name of this process in logs, messages and stamps; no other running process has it',
    'ECO_PORT must be a whole number from 0 to 65535, not "70000"',
    'ECO_BROKERS must hold host:port, not "broker"',
    'ECO_BROKERS must hold host:port, not "a:0"',
    'ECO_BROKERS names b:1 twice',
    'ECO_GROUPS group g1: names a:1 twice',
    'ECO_GROUPS must hold <group>=host:port,…, not "g 2=b:2"',
    'ECO_GROUPS names group g1 twice',
    'ECO_GROUPS must hold <group>=host:port,…, not "nodes"',
  ]);
});

it.each(['8000x', '-1', '1.5', '0x10', '1e3', ' 1'])('refuses the port %j', (text) => {
  expect(violationsOf({ ECO_PORT: text })).toHaveLength(1);
});

it('shows the settings as a table', () => {
  expect(settingRows({ port: { ...settings.port, default: '8000', unit: 'TCP' } })).toEqual([
    {
      variable: 'ECO_PORT',
      default: '8000',
      description: 'Port on which clients are served; 0 takes a free one (TCP)',
    },
  ]);
});
