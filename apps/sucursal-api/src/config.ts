import {
  branchSecretsSetting,
  clientSettings,
  ConfigError,
  readConfig,
  settings,
  tracingSettings,
  wholeNumberSetting,
  withAuthority,
  type ConfigOf,
  type Environment,
  type Setting,
} from '@eco/service';
import type { Address } from '@eco/base';
import { timeZoneSchema } from '@eco/contracts';
import { FETCH_DEFAULTS } from '@eco/domain';
import { COINS, RECEIPT_SERIES, type Coin } from '@eco/till';
import { z } from 'zod';
import { receiptLanguages, type ReceiptLanguage } from './receipts/words.js';

const coinSchema = z.string().transform((text, context): Coin => {
  const coin = COINS.find((each) => String(each) === text);
  if (coin !== undefined) return coin;
  context.addIssue(`must be one of ${COINS.join(', ')}, not ${JSON.stringify(text)}`);
  return z.NEVER;
});

const languageSchema = z.string().transform((text, context): ReceiptLanguage => {
  const language = receiptLanguages.find((each) => each === text);
  if (language !== undefined) return language;
  context.addIssue(`must be one of ${receiptLanguages.join(', ')}, not ${JSON.stringify(text)}`);
  return z.NEVER;
});

const printerSetting = z
  .string()
  .transform((text, context): Address => {
    const match = /^(\[[0-9A-Fa-f:.]+\]|[^\s:/@[\]]+):(\d{1,5})$/.exec(text);
    const port = Number(match?.[2]);
    if (match?.[1] !== undefined && port >= 1 && port <= 65_535) {
      return { host: match[1].replace(/^\[|\]$/g, ''), port };
    }
    context.addIssue(`must be host:port, not ${JSON.stringify(text)}`);
    return z.NEVER;
  })
  .optional();

/** Settings of the till: prices, receipts and the printer. */
const tillSettings = {
  taxBasisPoints: {
    variable: 'ECO_TAX_BASIS_POINTS',
    description: 'Tax that the price of a product includes if the product states no rate; 1600 is 16 %',
    unit: 'hundredths of a per cent',
    default: '1600',
    schema: wholeNumberSetting(0, 10_000),
  } satisfies Setting<number>,
  cashRoundingCents: {
    variable: 'ECO_CASH_ROUNDING_CENTS',
    description: `Smallest coin, to which cash is rounded: ${COINS.join(', ')}; 0: cash is not rounded`,
    unit: 'cents',
    default: '0',
    schema: coinSchema,
  } satisfies Setting<Coin>,
  receiptSeries: {
    variable: 'ECO_RECEIPT_SERIES',
    description: 'Series of the receipts, the first part of their numbers; another series begins at 1',
    default: 'A',
    schema: z.string().regex(RECEIPT_SERIES, 'must be 1 to 8 capital letters or digits'),
  } satisfies Setting<string>,
  receiptHeader: {
    variable: 'ECO_RECEIPT_HEADER',
    description: 'First lines of a receipt, separated by semicolons: name, address and tax number of the shop',
    default: 'EcoMarket',
    schema: z.string().transform((text): readonly string[] => text.split(';').map((line) => line.trim())),
  } satisfies Setting<readonly string[]>,
  receiptLanguage: {
    variable: 'ECO_RECEIPT_LANGUAGE',
    description: `Language of receipts: ${receiptLanguages.join(', ')}`,
    default: 'es',
    schema: languageSchema,
  } satisfies Setting<ReceiptLanguage>,
  receiptTimeZone: {
    variable: 'ECO_RECEIPT_TIME_ZONE',
    description: 'IANA time zone of the times on receipts',
    default: 'America/Mexico_City',
    schema: timeZoneSchema,
  } satisfies Setting<string>,
  receiptWidth: {
    variable: 'ECO_RECEIPT_WIDTH',
    description: 'Width of receipts: 48 on paper of 80 mm, 32 on paper of 58 mm',
    unit: 'characters',
    default: '48',
    schema: wholeNumberSetting(24, 96),
  } satisfies Setting<number>,
  printer: {
    variable: 'ECO_PRINTER',
    description: 'Receipt printer in the network, host:port, usually port 9100; absent: receipts are not printed here',
    schema: printerSetting,
  } satisfies Setting<Address | undefined>,
};

/** When the branch asks the head office for units. */
const fetchSettings = {
  fetchLeastUnits: {
    variable: 'ECO_FETCH_LEAST_UNITS',
    description: 'Units of each product that the branch aims to hold; 0: only of products that it sells',
    // Otherwise every branch of the chain would take units of each new product.
    default: '0',
    schema: wholeNumberSetting(0, 10_000),
  } satisfies Setting<number>,
  fetchCoverDays: {
    variable: 'ECO_FETCH_COVER_DAYS',
    description: 'Days whose sales the branch aims to hold, if that is more; it asks at half of its aim',
    default: String(FETCH_DEFAULTS.coverDays),
    schema: wholeNumberSetting(0, 365),
  } satisfies Setting<number>,
};

export const sucursalSettings = {
  name: { ...settings.name, default: 'sucursal-api' },
  host: settings.host,
  port: { ...settings.port, default: '8002' },
  operatorsHost: settings.operatorsHost,
  operatorsPort: { ...settings.operatorsPort, default: '9001' },
  ...clientSettings,
  logLevel: settings.logLevel,
  ...tracingSettings,
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
  journalMb: {
    ...settings.journalMb,
    description: 'Size limit of what waits for the brokers; beyond it the branch records nothing',
  },
  ...tillSettings,
  ...fetchSettings,
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
