import { wholeNumberSetting, type Setting } from '@eco/edge';
import type { ReadLimits } from './group-reader.js';
import type { NodeSettings } from './nodes/node.js';

/** All limits of reads. */
export interface ReadSettings extends ReadLimits, Omit<NodeSettings, 'login' | 'applicationName'> {
  readonly probeEveryMs: number;
}

const limit = (
  variable: string,
  standard: number,
  [min, max]: [min: number, max: number],
  unit: string | undefined,
  description: string,
): Setting<number> => ({
  variable: `ECO_READ_${variable}`,
  description,
  unit,
  default: String(standard),
  schema: wholeNumberSetting(min, max),
});

const MINUTE_MS = 60_000;

/**
 * As a process that reads takes them from its environment. The defaults are sane for one site: replicas some ms behind,
 * a node that hangs found out within two seconds.
 */
export const readSettings = {
  lagLimitMs: limit(
    'LAG_LIMIT_MS',
    2_000,
    [0, MINUTE_MS],
    'ms',
    'A replica further behind is read only when nothing better is there',
  ),
  replicaWaitMs: limit(
    'REPLICA_WAIT_MS',
    100,
    [0, MINUTE_MS],
    'ms',
    'How long a reader with a position waits for a replica before it goes to the primary',
  ),
  freshWaitMs: limit(
    'FRESH_WAIT_MS',
    1_000,
    [0, MINUTE_MS],
    'ms',
    'How long a reader waits in all for the freshness it asks for',
  ),
  // Longer than two nodes that hang one after the other.
  deadlineMs: limit('DEADLINE_MS', 5_000, [100, MINUTE_MS], 'ms', 'How long any reader waits for a node'),
  primarySharePercent: limit(
    'PRIMARY_SHARE',
    20,
    [0, 100],
    'percent',
    'Share of reads that the primary takes over from replicas that are late',
  ),
  primaryReadsPerSecond: limit(
    'PRIMARY_PER_SECOND',
    100,
    [0, 1_000_000],
    undefined,
    'Reads per second that it takes over in any case',
  ),
  probeEveryMs: limit(
    'PROBE_EVERY_MS',
    500,
    [50, MINUTE_MS],
    'ms',
    'Time between two probes of a node; lag is known to within it',
  ),
  probeTimeoutMs: limit(
    'PROBE_TIMEOUT_MS',
    1_000,
    [50, MINUTE_MS],
    'ms',
    'A node that does not answer within this time is not read',
  ),
  probePatienceMs: limit(
    'PROBE_PATIENCE_MS',
    5_000,
    [50, MINUTE_MS],
    'ms',
    'How long its late answer is waited for before a new connection is made',
  ),
  connectTimeoutMs: limit('CONNECT_TIMEOUT_MS', 5_000, [50, MINUTE_MS], 'ms', 'How long a connection may take to open'),
  queryTimeoutMs: limit(
    'QUERY_TIMEOUT_MS',
    2_000,
    [50, MINUTE_MS],
    'ms',
    'A connection without an answer for this time is given up',
  ),
  statementTimeoutMs: limit('STATEMENT_TIMEOUT_MS', 1_500, [50, MINUTE_MS], 'ms', 'What a node gives one statement'),
  slowStatementTimeoutMs: limit(
    'SLOW_TIMEOUT_MS',
    10_000,
    [50, 10 * MINUTE_MS],
    'ms',
    'What a node gives one statement of a report',
  ),
  slowReadsWaitingMax: limit(
    'SLOW_WAITING',
    4,
    [0, 1_000],
    undefined,
    'Reports that may wait for the one that runs on a node; more are refused',
  ),
  connections: limit(
    'CONNECTIONS',
    2,
    [1, 64],
    undefined,
    'Connections to each node, which all reads but reports share',
  ),
} as const satisfies Record<keyof ReadSettings, Setting<number>>;

export const READ_DEFAULTS = Object.fromEntries(
  Object.entries(readSettings).map(([name, setting]) => [name, Number(setting.default)]),
) as unknown as ReadSettings;
