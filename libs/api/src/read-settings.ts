import { READ_DEFAULTS, type ReadSettings } from '@eco/reads';
import { wholeNumberSetting, type Setting } from '@eco/service';

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
 * Settings from a process's environment. The defaults suit one site: replicas some ms behind, a stalled node noticed
 * within two seconds.
 */
export const readSettings = {
  lagLimitMs: limit(
    'LAG_LIMIT_MS',
    READ_DEFAULTS.lagLimitMs,
    [0, MINUTE_MS],
    'ms',
    'A replica further behind is read only if there is nothing better',
  ),
  replicaWaitMs: limit(
    'REPLICA_WAIT_MS',
    READ_DEFAULTS.replicaWaitMs,
    [0, MINUTE_MS],
    'ms',
    'How long a reader with a position waits for a replica before it uses the primary',
  ),
  freshWaitMs: limit(
    'FRESH_WAIT_MS',
    READ_DEFAULTS.freshWaitMs,
    [0, MINUTE_MS],
    'ms',
    'How long a reader waits in total for the freshness it requires',
  ),
  deadlineMs: limit(
    'DEADLINE_MS',
    READ_DEFAULTS.deadlineMs,
    [100, MINUTE_MS],
    'ms',
    'How long any reader waits for a node',
  ),
  primarySharePercent: limit(
    'PRIMARY_SHARE',
    READ_DEFAULTS.primarySharePercent,
    [0, 100],
    'percent',
    'Share of reads that the primary takes over from late replicas',
  ),
  primaryReadsPerSecond: limit(
    'PRIMARY_PER_SECOND',
    READ_DEFAULTS.primaryReadsPerSecond,
    [0, 1_000_000],
    'reads/s',
    'Reads that it always takes over',
  ),
  probeEveryMs: limit(
    'PROBE_EVERY_MS',
    READ_DEFAULTS.probeEveryMs,
    [50, MINUTE_MS],
    'ms',
    'Time between two probes of a node; lag is known to within this time',
  ),
  probeTimeoutMs: limit(
    'PROBE_TIMEOUT_MS',
    READ_DEFAULTS.probeTimeoutMs,
    [50, MINUTE_MS],
    'ms',
    'A node that does not answer for this time is not read',
  ),
  probePatienceMs: limit(
    'PROBE_PATIENCE_MS',
    READ_DEFAULTS.probePatienceMs,
    [50, MINUTE_MS],
    'ms',
    'How long its late answer is awaited before a new connection is made',
  ),
  connectTimeoutMs: limit(
    'CONNECT_TIMEOUT_MS',
    READ_DEFAULTS.connectTimeoutMs,
    [50, MINUTE_MS],
    'ms',
    'How long a connection may take to open',
  ),
  queryTimeoutMs: limit(
    'QUERY_TIMEOUT_MS',
    READ_DEFAULTS.queryTimeoutMs,
    [50, MINUTE_MS],
    'ms',
    'A connection without an answer for this time is dropped',
  ),
  statementTimeoutMs: limit(
    'STATEMENT_TIMEOUT_MS',
    READ_DEFAULTS.statementTimeoutMs,
    [50, MINUTE_MS],
    'ms',
    'Time limit of one statement on a node',
  ),
  slowStatementTimeoutMs: limit(
    'SLOW_TIMEOUT_MS',
    READ_DEFAULTS.slowStatementTimeoutMs,
    [50, 10 * MINUTE_MS],
    'ms',
    'Time limit of one report statement on a node',
  ),
  slowReadsWaitingMax: limit(
    'SLOW_WAITING',
    READ_DEFAULTS.slowReadsWaitingMax,
    [0, 1_000],
    'reads',
    'Reports that may wait for the running one on a node; more are refused',
  ),
  connections: limit(
    'CONNECTIONS',
    READ_DEFAULTS.connections,
    [1, 64],
    undefined,
    'Connections to each node, which all reads but reports share',
  ),
} as const satisfies Record<keyof ReadSettings, Setting<number>>;
