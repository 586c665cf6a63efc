import { alarms, limits } from '@eco/observability';
import type { Facts } from './facts.js';
import { finding, type Finding } from './finding.js';
import { checkThreshold, quantity } from './threshold-check.js';

const DAY_MS = 86_400_000;
/** Below this share of free disk, and this many days, it is too late for planning. */
const DISK_FREE_CRITICAL = 0.03;
const CERTIFICATE_DAYS_CRITICAL = 3;

/** Judges what one look has found: a line for each check. Those of processes come first. */
export function judge(facts: Facts, nowMs: number): Finding[] {
  return [
    ...checkProcesses(facts),
    // Without services, such as with --no-services, nothing has metrics.
    ...(facts.metrics.length === 0 ? [] : checkMetrics(facts)),
    ...checkSlots(facts),
    ...checkClocks(facts),
    ...checkBrokers(facts),
    ...checkDisk(facts),
    ...checkCertificates(facts, nowMs),
  ];
}

function checkProcesses({ processes }: Facts): Finding[] {
  const wrong = processes.filter(({ state }) => state !== 'ready');
  if (wrong.length === 0) return [{ state: 'ok', what: 'processes', measured: `${processes.length} ready` }];
  return wrong.map(({ name, state, detail }) => {
    const measured = detail === undefined ? state : `${state}: ${detail}`;
    return finding('critical', name, measured, helpFor(name));
  });
}

function helpFor(process: string): { remedy: string; runbook: string } {
  const remedy = `read the log of ${process}`;
  if (process.startsWith('broker-') || process === 'epmd') return { remedy, runbook: 'one-broker-failed' };
  if (/^g\d+-\d+$/.test(process)) return { remedy, runbook: 'a-replica-failed' };
  return { remedy, runbook: process.startsWith('shard-writer') ? 'a-writer-failed' : 'a-service-failed' };
}

function checkMetrics({ metrics }: Facts): Finding[] {
  const thresholds = alarms.flatMap((alarm) => {
    const { threshold } = alarm;
    return threshold === undefined ? [] : [checkThreshold({ ...alarm, threshold }, metrics)];
  });
  return [checkLeaders(metrics), ...thresholds, ...checkJournalSize(metrics)];
}

/** Each group needs exactly one leader. */
function checkLeaders(metrics: Facts['metrics']): Finding {
  const leaders = new Map<string, number>();
  for (const { metric, labels, value } of metrics.flatMap((each) => each.metrics?.samples ?? [])) {
    if (metric !== 'eco_writer_leader') continue;
    const group = labels['group'] ?? '';
    leaders.set(group, (leaders.get(group) ?? 0) + value);
  }
  const wrong = [...leaders].filter(([, count]) => count !== 1);
  const isOk = leaders.size > 0 && wrong.length === 0;
  const measured = isOk
    ? `${leaders.size} of ${leaders.size} groups`
    : leaders.size === 0
      ? 'no writer answers'
      : wrong.map(([group, count]) => `${group} has ${count}`).join(', ');
  return finding(isOk ? 'ok' : 'critical', 'leaders of the groups', measured, {
    remedy: 'wait 15 s for a standby; then read the logs of the writers',
    runbook: 'eco_writer_leader',
  });
}

function checkJournalSize(metrics: Facts['metrics']): Finding[] {
  const shares = metrics.flatMap(({ process, metrics: each }) => {
    const valueOf = (name: string) => each?.samples.find(({ metric }) => metric === name)?.value;
    const [used, limit] = [valueOf('eco_journal_bytes'), valueOf('eco_journal_limit_bytes')];
    return used === undefined || limit === undefined || limit === 0 ? [] : [{ process, share: used / limit }];
  });
  if (shares.length === 0) return [];
  const fullest = shares.reduce((most, each) => (each.share > most.share ? each : most));
  const state = fullest.share > limits.full ? 'critical' : 'ok';
  return [
    finding(state, 'fullest journal', `${percent(fullest.share)} (${fullest.process})`, {
      remedy: 'bring back a majority of the brokers before it is full',
      runbook: 'orders-are-answered-202-with-ecomarket-durability-local',
    }),
  ];
}

/** `unreserved` and `lost`: the log that the replica needs is about to go, or is gone. */
function checkSlots({ nodes }: Facts): Finding[] {
  if (!nodes.some(({ role }) => role === 'primary')) return [];
  const replicas = nodes.filter(({ role }) => role !== 'primary');
  const wrong = replicas.flatMap(({ name, slot }) => {
    if (slot === null) return [`${name} has none`];
    return ['unreserved', 'lost'].includes(slot.walStatus) ? [`${name} is ${slot.walStatus}`] : [];
  });
  return [
    finding(wrong.length === 0 ? 'ok' : 'critical', 'slots of the replicas', wrong.join(', ') || `${replicas.length}`, {
      remedy: 'start the replica; if its log is gone, copy it again',
      runbook: 'eco_writer_replica_absent_seconds',
    }),
  ];
}

function checkClocks({ clocks }: Facts): Finding[] {
  if (clocks.length === 0) return [];
  const worst = clocks.reduce((most, each) => (Math.abs(each.aheadS) > Math.abs(most.aheadS) ? each : most));
  const isWrong = Math.abs(worst.aheadS) - worst.errorS > limits.clockS;
  const measured = `${worst.aheadS.toFixed(1)} ± ${worst.errorS.toFixed(1)} s (${worst.name})`;
  return [
    finding(isWrong ? 'warning' : 'ok', 'clock that differs most from this machine', measured, {
      remedy: 'correct that clock',
      runbook: 'a-clock-is-wrong',
    }),
  ];
}

function checkBrokers({ queues, brokers }: Facts): Finding[] {
  if (queues === undefined || brokers === undefined) return [];
  const longest = [...queues].sort((one, other) => other.messages - one.messages)[0];
  const alarmed = brokers.filter((broker) => broker.alarms.length > 0);
  const least = brokers
    .flatMap(({ name, freeBytes }) => (freeBytes === undefined ? [] : [{ name, freeBytes }]))
    .sort((one, other) => one.freeBytes - other.freeBytes)[0];
  return [
    ...(longest === undefined
      ? []
      : [
          finding(
            longest.messages > limits.queueMessages ? 'critical' : 'ok',
            'longest queue',
            `${quantity(longest.messages)} (${longest.name})`,
            { remedy: 'has the group a leader? A full queue refuses', runbook: 'orders-are-accepted-and-not-decided' },
          ),
        ]),
    finding(
      alarmed.length === 0 ? 'ok' : 'critical',
      'alarms of the brokers',
      alarmed.map(({ name, alarms: names }) => `${name}: ${names.join(', ')}`).join('; ') || 'none',
      { remedy: 'free memory or disk of the broker', runbook: 'eco_broker_connected-eco_broker_blocked' },
    ),
    ...(least === undefined
      ? []
      : [
          {
            state: 'ok' as const,
            what: 'least free disk of a broker',
            measured: `${quantity(least.freeBytes, 'bytes')} (${least.name})`,
          },
        ]),
  ];
}

function checkDisk({ disk }: Facts): Finding[] {
  if (disk === undefined) return [];
  const share = disk.freeBytes / disk.bytes;
  const state = share < DISK_FREE_CRITICAL ? 'critical' : share < limits.diskFree ? 'warning' : 'ok';
  return [
    finding(state, 'free disk of the data folder', `${percent(share)}, ${quantity(disk.freeBytes, 'bytes')}`, {
      remedy: 'free space, or move the data folder',
      runbook: 'a-disk-is-full-or-fails',
    }),
  ];
}

function checkCertificates({ certificates }: Facts, nowMs: number): Finding[] {
  const [first] = [...certificates].sort((one, other) => one.expiresAtMs - other.expiresAtMs);
  if (first === undefined) return [];
  const days = Math.floor((first.expiresAtMs - nowMs) / DAY_MS);
  const state = days < CERTIFICATE_DAYS_CRITICAL ? 'critical' : days < limits.certificateDays ? 'warning' : 'ok';
  const measured = days < 0 ? `expired (${first.name})` : `${days} days (${first.name})`;
  return [
    finding(state, 'certificate that expires first', measured, {
      remedy: 'start again: each start renews the certificates',
      runbook: 'a-certificate-has-expired',
    }),
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
