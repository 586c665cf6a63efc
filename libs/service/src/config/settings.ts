import { isIP } from 'node:net';
import { z } from 'zod';
import { branchIdSchema, groupIdSchema, servedBranchIdSchema } from '@eco/contracts';
import type { Address } from '@eco/base';
import { BUDGETS_DEFAULT } from '../http/budgets.js';
import type { Setting } from './config.js';

/** Settings shared by several processes. A process picks those that it needs. */

export interface GroupAddresses {
  readonly id: string;
  /** Every node of the group; the primary is discovered, not configured. */
  readonly nodes: readonly Address[];
}

/**
 * A value without a separator is one part. A part without a group is a violation, so the list has at least one entry.
 */
export type Groups = readonly [GroupAddresses, ...GroupAddresses[]];

const quoted = (text: string) => JSON.stringify(text);

/** A whole number, written as text. */
export function wholeNumberSetting(min: number, max: number): z.ZodType<number> {
  return z.string().transform((text, context) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (number >= min && number <= max) return number;
    context.addIssue(`must be a whole number from ${min} to ${max}, not ${quoted(text)}`);
    return z.NEVER;
  });
}

function oneOf<const T extends readonly string[]>(words: T): z.ZodType<T[number]> {
  return z.string().transform((text, context) => {
    const word = words.find((each) => each === text);
    if (word !== undefined) return word;
    context.addIssue(`must be one of ${words.join(', ')}, not ${quoted(text)}`);
    return z.NEVER;
  });
}

function hostPorts(text: string, complain: (message: string) => void): Address[] {
  const found: Address[] = [];
  const seen = new Set<string>();
  for (const part of text.split(',').map((each) => each.trim())) {
    const match = /^(\[[0-9A-Fa-f:.]+\]|[^\s:/@[\]]+):(\d{1,5})$/.exec(part);
    const port = Number(match?.[2]);
    if (match?.[1] === undefined || !(port >= 1 && port <= 65_535)) {
      complain(`must hold host:port, not ${quoted(part)}`);
    } else if (seen.has(part)) {
      complain(`names ${part} twice`);
    } else {
      seen.add(part);
      found.push({ host: match[1].replace(/^\[|\]$/g, ''), port });
    }
  }
  return found;
}

const hostPortList = z
  .string()
  .transform((text, context): readonly Address[] => hostPorts(text, (message) => context.addIssue(message)));

const groupList = z.string().transform((text, context): Groups => {
  const groups: GroupAddresses[] = [];
  for (const part of text.split(';').map((each) => each.trim())) {
    const split = part.indexOf('=');
    const id = part.slice(0, Math.max(split, 0)).trim();
    if (split < 0 || !groupIdSchema.safeParse(id).success) {
      context.addIssue(`must hold <group>=host:port,…, not ${quoted(part)}`);
    } else if (groups.some((group) => group.id === id)) {
      context.addIssue(`names group ${id} twice`);
    } else {
      groups.push({
        id,
        nodes: hostPorts(part.slice(split + 1), (message) => context.addIssue(`group ${id}: ${message}`)),
      });
    }
  }
  return groups as unknown as Groups;
});

const groupIds = z.string().transform((text, context): readonly string[] => {
  const ids = text.split(',').map((id) => id.trim());
  for (const id of ids) {
    if (!groupIdSchema.safeParse(id).success) context.addIssue(`must hold ids of groups, not ${quoted(id)}`);
  }
  if (new Set(ids).size < ids.length) context.addIssue('names a group twice');
  return ids;
});

const serviceUrls = z.string().transform((text, context): readonly string[] =>
  text.split(',').flatMap((part) => {
    const url = URL.parse(part.trim());
    if (url !== null && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href) return [url.origin];
    context.addIssue(`must hold http://host:port, not ${quoted(part.trim())}`);
    return [];
  }),
);

/** A text that a schema of the contracts checks. */
function described(schema: z.ZodType<string>): z.ZodType<string> {
  return z.string().transform((text, context) => {
    const read = schema.safeParse(text);
    if (read.success) return read.data;
    read.error.issues.forEach((issue) => context.addIssue(issue.message));
    return z.NEVER;
  });
}

const share = z.string().transform((text, context): number => {
  const number = /^[01](\.\d{1,9})?$/.test(text) ? Number(text) : NaN;
  if (number >= 0 && number <= 1) return number;
  context.addIssue(`must be a number from 0 to 1, not ${quoted(text)}`);
  return z.NEVER;
});

const collectorUrl = z
  .string()
  .transform((text, context): string => {
    const url = URL.parse(text);
    if (url === null || !/^https?:$/.test(url.protocol))
      context.addIssue('must be http://host:port or https://host:port');
    else if (url.username !== '' || url.password !== '') context.addIssue('must hold no login');
    else return text;
    return z.NEVER;
  })
  .optional();

const HOST_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;

const hostNames = z.string().transform((text, context): readonly string[] => {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  for (const name of names) {
    if (!HOST_NAME.test(name)) context.addIssue(`must hold host names without ports, not ${quoted(name)}`);
  }
  return names;
});

const proxyList = z.string().transform((text, context): readonly string[] => {
  const proxies = text
    .split(',')
    .map((proxy) => proxy.trim())
    .filter((proxy) => proxy !== '');
  for (const proxy of proxies) {
    const [address = '', bits = '0'] = proxy.split('/');
    const isNamed = ['loopback', 'linklocal', 'uniquelocal'].includes(proxy);
    if (!isNamed && (isIP(address) === 0 || !/^\d{1,3}$/.test(bits))) {
      context.addIssue(`must hold IP addresses, networks (10.0.0.0/8), loopback or uniquelocal, not ${quoted(proxy)}`);
    }
  }
  return proxies;
});

/** More connections than the tills of a chain have together, and far fewer than the files that a process may open. */
export const CONNECTIONS_MAX_DEFAULT = 4_000;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const settings = {
  name: {
    variable: 'ECO_NAME',
    description: 'Name of this process in logs, messages and stamps; no other running process has it',
    schema: described(branchIdSchema),
  } satisfies Setting<string>,
  host: {
    variable: 'ECO_HOST',
    description: 'Address on which clients are served',
    default: '127.0.0.1',
    schema: z.string(),
  } satisfies Setting<string>,
  port: {
    variable: 'ECO_PORT',
    description: 'Port on which clients are served; 0 takes a free one',
    schema: wholeNumberSetting(0, 65_535),
  } satisfies Setting<number>,
  operatorsHost: {
    variable: 'ECO_OPERATORS_HOST',
    description: 'Address on which operators are served: metrics, details of readiness, documents',
    default: '127.0.0.1',
    schema: z.string(),
  } satisfies Setting<string>,
  operatorsPort: {
    variable: 'ECO_OPERATORS_PORT',
    description: 'Port on which operators are served; 0 takes a free one',
    schema: wholeNumberSetting(0, 65_535),
  } satisfies Setting<number>,
  hosts: {
    variable: 'ECO_HOSTS',
    description:
      'Host names by which clients reach this process, name,name,…; localhost and every IP address are accepted without it',
    default: '',
    schema: hostNames,
  } satisfies Setting<readonly string[]>,
  connectionsMax: {
    variable: 'ECO_CONNECTIONS_MAX',
    description: 'Most open connections of clients; a further one is closed at once',
    default: String(CONNECTIONS_MAX_DEFAULT),
    schema: wholeNumberSetting(1, 1_000_000),
  } satisfies Setting<number>,
  trustedProxies: {
    variable: 'ECO_TRUSTED_PROXIES',
    description:
      'Load balancers whose X-Forwarded-For names the client: IP addresses, networks, loopback or uniquelocal; none: the connection names it',
    default: '',
    schema: proxyList,
  } satisfies Setting<readonly string[]>,
  requestsPerMinute: {
    variable: 'ECO_REQUESTS_PER_MINUTE',
    description: 'Most requests of one person or program in a minute; further ones get 429',
    default: String(BUDGETS_DEFAULT.requestsPerMinute),
    schema: wholeNumberSetting(1, 1_000_000_000),
  } satisfies Setting<number>,
  anonymousRequestsPerMinute: {
    variable: 'ECO_ANONYMOUS_REQUESTS_PER_MINUTE',
    description: 'Most requests of one address without a token in a minute',
    default: String(BUDGETS_DEFAULT.anonymousRequestsPerMinute),
    schema: wholeNumberSetting(1, 1_000_000_000),
  } satisfies Setting<number>,
  waits: {
    variable: 'ECO_WAITS',
    description: 'Most waiting requests of one person or program at a time; further ones do not wait',
    default: String(BUDGETS_DEFAULT.waits),
    schema: wholeNumberSetting(0, 1_000_000),
  } satisfies Setting<number>,
  anonymousWaits: {
    variable: 'ECO_ANONYMOUS_WAITS',
    description: 'Most waiting requests of one address without a token at a time',
    default: String(BUDGETS_DEFAULT.anonymousWaits),
    schema: wholeNumberSetting(0, 1_000_000),
  } satisfies Setting<number>,
  totalWaits: {
    variable: 'ECO_TOTAL_WAITS',
    description: 'Most waiting requests of all clients of this process together',
    default: String(BUDGETS_DEFAULT.totalWaits),
    schema: wholeNumberSetting(0, 1_000_000),
  } satisfies Setting<number>,
  logLevel: {
    variable: 'ECO_LOG_LEVEL',
    description: `Log level: ${LOG_LEVELS.join(', ')}`,
    default: 'info',
    schema: oneOf(LOG_LEVELS),
  } satisfies Setting<LogLevel>,
  brokers: {
    variable: 'ECO_BROKERS',
    description: 'Every node of the broker cluster, host:port,host:port,…',
    schema: hostPortList,
  } satisfies Setting<readonly Address[]>,
  groups: {
    variable: 'ECO_GROUPS',
    description: 'Every node of every database group, g1=host:port,host:port;g2=…; roles are discovered',
    schema: groupList,
  } satisfies Setting<Groups>,
  group: {
    variable: 'ECO_GROUP',
    description: 'Database group that this process may lead',
    schema: described(groupIdSchema),
  } satisfies Setting<string>,
  groupIds: {
    variable: 'ECO_GROUP_IDS',
    description: 'Ids of the database groups, g1,g2,…',
    schema: groupIds,
  } satisfies Setting<readonly string[]>,
  readServices: {
    variable: 'ECO_READ_SERVICES',
    description: 'Read-services that answer the reads of a branch, url,url,…: while one is away the others answer',
    schema: serviceUrls,
  } satisfies Setting<readonly string[]>,
  branchId: {
    variable: 'ECO_BRANCH_ID',
    description: 'Branch that this process serves; not central',
    default: 'sucursal-1',
    schema: described(servedBranchIdSchema),
  } satisfies Setting<string>,
  tokenGraceHours: {
    variable: 'ECO_TOKEN_GRACE_HOURS',
    description: 'How long an access token that has expired still places orders and sales',
    unit: 'h',
    default: '12',
    schema: wholeNumberSetting(0, 720),
  } satisfies Setting<number>,
  journalDir: {
    variable: 'ECO_JOURNAL_DIR',
    description:
      'Folder of the journal, which keeps commands accepted while the brokers are away; created if it is missing',
    schema: z.string(),
  } satisfies Setting<string>,
  journalMb: {
    variable: 'ECO_JOURNAL_MB',
    description: 'Size limit of the journal; beyond it orders are refused while the brokers are away',
    unit: 'MB',
    default: '512',
    schema: wholeNumberSetting(1, 65_536),
  } satisfies Setting<number>,
};

/** Settings of every process that records spans. The first name is OpenTelemetry's own. */
export const tracingSettings = {
  traceEndpoint: {
    variable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    description: 'Collector of spans, OTLP over HTTP, http://host:4318; absent: no span is recorded',
    schema: collectorUrl,
  } satisfies Setting<string | undefined>,
  traceRatio: {
    variable: 'ECO_TRACE_RATIO',
    description: 'Share of the requests without a traceparent that are traced, from 0 to 1',
    default: '0.01',
    schema: share,
  } satisfies Setting<number>,
};

/** Settings of a process with an API, next to its port: who reaches it, and what one client may use. */
export const clientSettings = {
  hosts: settings.hosts,
  connectionsMax: settings.connectionsMax,
  trustedProxies: settings.trustedProxies,
  requestsPerMinute: settings.requestsPerMinute,
  anonymousRequestsPerMinute: settings.anonymousRequestsPerMinute,
  waits: settings.waits,
  anonymousWaits: settings.anonymousWaits,
  totalWaits: settings.totalWaits,
};
