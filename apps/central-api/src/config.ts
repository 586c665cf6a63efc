import { z } from 'zod';
import { tokenSecretsSchema } from '@eco/access';
import { consumerNames, consumerRoles, type ConsumerName } from '@eco/contracts';
import {
  apiSecretsSetting,
  clientSettings,
  loginFileSetting,
  readConfig,
  loginSecret,
  oidcSettings,
  settings,
  tracingSettings,
  wholeNumberSetting,
  withAuthority,
  type ConfigOf,
  type Environment,
  type Setting,
  type WithOidc,
  withOidc,
} from '@eco/service';
import { readSettings } from '@eco/api/reads';

const consumerList = z.string().transform((text, context): readonly ConsumerName[] => {
  if (text === 'none') return [];
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !consumerNames.some((each) => each === name));
  if (unknown.length === 0) return [...new Set(names as ConsumerName[])];
  unknown.forEach((name) =>
    context.addIssue(`must name ${consumerNames.join(', ')} or none, not ${JSON.stringify(name)}`),
  );
  return z.NEVER;
});

const mailServerUrl = z
  .string()
  .transform((text, context): string => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '') {
      context.addIssue('must be smtp://host:port or smtps://host:port');
    } else if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') {
      context.addIssue('must end with the port; it takes no options');
    } else if (url.username !== '' || url.password !== '') {
      context.addIssue('must hold no login, since everybody may read the environment: put it into ECO_SMTP_LOGIN_FILE');
    } else {
      return text;
    }
    return z.NEVER;
  })
  .optional();

export const centralSettings = {
  name: { ...settings.name, default: 'central-api' },
  host: settings.host,
  port: { ...settings.port, default: '8000' },
  operatorsHost: settings.operatorsHost,
  operatorsPort: { ...settings.operatorsPort, default: '9000' },
  ...clientSettings,
  logLevel: settings.logLevel,
  ...tracingSettings,
  brokers: settings.brokers,
  groups: settings.groups,
  journalDir: settings.journalDir,
  journalMb: settings.journalMb,
  tokenGraceHours: settings.tokenGraceHours,
  ...oidcSettings,
  ...readSettings,
  consumers: {
    variable: 'ECO_CONSUMERS',
    description: `Consumers of events that this process runs: ${consumerNames.join(', ')}, or none`,
    default: consumerNames.join(','),
    schema: consumerList,
  } satisfies Setting<readonly ConsumerName[]>,
  smtpUrl: {
    variable: 'ECO_SMTP_URL',
    description: 'Mail server for notifications, smtp://host:port; absent: notifications stay unsent',
    schema: mailServerUrl,
  } satisfies Setting<string | undefined>,
  smtpLogin: loginFileSetting(
    'ECO_SMTP_LOGIN_FILE',
    'File of mode 0600 or 0440, as above, with the login for the mail server, if it requires one',
  ),
  keepSentDays: {
    variable: 'ECO_KEEP_SENT_DAYS',
    description: 'Days for which sent notifications are kept',
    default: '90',
    schema: wholeNumberSetting(1, 36_500),
  } satisfies Setting<number>,
  secrets: apiSecretsSetting(['eco_reader', 'eco_identity', ...consumerRoles], {
    events: loginSecret,
    tokens: tokenSecretsSchema,
  }),
};

export type CentralConfig = WithOidc<ConfigOf<typeof centralSettings>>;

/** Throws a `ConfigError` that names every violation. */
export function readCentralConfig(environment: Environment): CentralConfig {
  return withAuthority(withOidc(readConfig(centralSettings, environment)));
}
