import { grew, process, series, when, type Alarm } from '../alarm.js';
import { limits } from '../limits.js';

const leader = process('shard-writer-1:9000');
const standby = process('shard-writer-2:9000');

const forGroup = (metric: string, { instance, job }: typeof leader, group = 'g1') =>
  series(metric, { job, instance, group });

/** Alarms of the shard-writers: nothing is decided, or decisions are slow, refused or doubtful. */
export const writerAlarms: readonly Alarm[] = [
  {
    name: 'GroupWithoutOneLeader',
    expr: 'sum by (group) (eco_writer_leader) != 1 or absent(eco_writer_leader)',
    for: `${limits.absentS}s`,
    severity: 'critical',
    summary: 'Group {{ $labels.group }} has no leader or more than one, so nothing is decided',
    runbook: 'eco_writer_leader',
    fires: {
      series: { [forGroup('eco_writer_leader', leader)]: '1 0x20', [forGroup('eco_writer_leader', standby)]: '0x20' },
      at: '1m',
      labels: { group: 'g1' },
    },
    silent: {
      // The standby takes over between two scrapes.
      series: {
        [forGroup('eco_writer_leader', leader)]: '1 0x20',
        [forGroup('eco_writer_leader', standby)]: '0 0 1x20',
      },
      at: '1m',
    },
  },
  {
    name: 'CommandEndsSessions',
    ...when({
      what: 'tries of one command alone',
      metric: 'eco_writer_suspect_tries',
      wrong: 'above',
      limit: limits.suspectTries,
      remedy: 'decide whether the command is tried again',
    }),
    severity: 'critical',
    summary: 'The database ends over one command, or is away again and again: an operator must decide',
    runbook: 'eco_writer_suspect_tries',
    fires: { series: { [series('eco_writer_suspect_tries', leader)]: '4x4' }, at: '1m', labels: leader },
    silent: { series: { [series('eco_writer_suspect_tries', leader)]: '3x4' }, at: '1m' },
  },
  {
    name: 'DeadLettersOpen',
    ...when({
      what: 'dead letters',
      metric: 'eco_writer_dead_letters_open',
      wrong: 'above',
      limit: 0,
      remedy: 'npx eco dead-letters',
    }),
    severity: 'warning',
    summary: 'Commands could not be processed and wait for an operator',
    runbook: 'eco_writer_dead_letters_open',
    fires: { series: { [series('eco_writer_dead_letters_open', leader)]: '1x4' }, at: '1m', labels: leader },
    silent: { series: { [series('eco_writer_dead_letters_open', leader)]: '0x4' }, at: '1m' },
  },
  {
    name: 'ForbiddenCommands',
    expr: grew('eco_writer_forbidden_total'),
    severity: 'critical',
    summary: 'Broker user {{ $labels.sender }} sends commands that it may not send',
    runbook: 'eco_writer_forbidden_total',
    fires: {
      // The series begins with the first forbidden command.
      series: {
        [series('up', leader)]: '1x40',
        [series('eco_writer_forbidden_total', { ...leader, sender: 'branch.norte' })]: '_x30 1x10',
      },
      at: '9m',
      labels: { ...leader, sender: 'branch.norte' },
    },
    silent: {
      // Prometheus has just started and finds an old count.
      series: {
        [series('up', leader)]: '1x40',
        [series('eco_writer_forbidden_total', { ...leader, sender: 'branch.norte' })]: '7x40',
      },
      at: '1m',
    },
  },
  {
    name: 'WriterWaitsForDatabase',
    ...when({
      what: 'wait of the leader for its database',
      metric: 'eco_writer_waits_seconds',
      wrong: 'above',
      limit: limits.databaseWaitS,
      unit: 's',
      remedy: 'npm run lag -- --once: is a replica streaming?',
    }),
    severity: 'critical',
    summary: 'The leader waits for the database, or for a replica that confirms its commit',
    runbook: 'eco_writer_waits_seconds',
    fires: { series: { [series('eco_writer_waits_seconds', leader)]: '0 0 7 22' }, at: '30s', labels: leader },
    silent: { series: { [series('eco_writer_waits_seconds', leader)]: '0 4 0 4' }, at: '45s' },
  },
  {
    name: 'BatchesNotStored',
    expr: 'increase(eco_writer_faults_total[1m]) > 0',
    for: '1m',
    severity: 'critical',
    summary: 'Batches are not stored: {{ $labels.type }}',
    runbook: 'eco_writer_faults_total',
    fires: {
      series: { [series('eco_writer_faults_total', { ...leader, type: 'server-error' })]: '0+1x20' },
      at: '3m',
      labels: { ...leader, type: 'server-error' },
    },
    silent: {
      series: { [series('eco_writer_faults_total', { ...leader, type: 'server-error' })]: '0 0 3x20' },
      at: '3m',
    },
  },
  {
    name: 'StoreSlow',
    // 100 ms is slow for any disk and any replica in the same building.
    expr: [
      'rate(eco_writer_batch_seconds_sum{phase="store"}[5m]) / rate(eco_writer_batch_seconds_count{phase="store"}[5m])',
      '> 0.1',
      '> 4 * (rate(eco_writer_batch_seconds_sum{phase="store"}[6h]) / rate(eco_writer_batch_seconds_count{phase="store"}[6h]))',
    ].join(' '),
    for: '5m',
    severity: 'warning',
    summary: 'Batches take four times as long to store as in the last 6 h: a replica or a disk is slow',
    runbook: 'eco_writer_batch_seconds',
    fires: {
      // 40 minutes with 10 ms for each batch, then 500 ms.
      series: {
        [series('eco_writer_batch_seconds_sum', { ...leader, phase: 'store' })]: '0+10x160 1610+500x32',
        [series('eco_writer_batch_seconds_count', { ...leader, phase: 'store' })]: '0+1000x200',
      },
      at: '48m',
      labels: { ...leader, phase: 'store' },
    },
    silent: {
      // Twice as slow as before is still fast.
      series: {
        [series('eco_writer_batch_seconds_sum', { ...leader, phase: 'store' })]: '0+10x160 1610+60x32',
        [series('eco_writer_batch_seconds_count', { ...leader, phase: 'store' })]: '0+1000x200',
      },
      at: '48m',
    },
  },
  {
    name: 'SnapshotHeld',
    ...when({
      what: 'transactions since the oldest snapshot',
      metric: 'eco_writer_oldest_xmin_age',
      wrong: 'above',
      limit: limits.xminAge,
      remedy: 'npm run lag -- --once: which slot or statement holds it?',
    }),
    for: '5m',
    severity: 'warning',
    summary: 'A snapshot is held, and dead rows accumulate behind it',
    runbook: 'eco_writer_oldest_xmin_age',
    fires: { series: { [series('eco_writer_oldest_xmin_age', leader)]: '600000x30' }, at: '6m', labels: leader },
    silent: { series: { [series('eco_writer_oldest_xmin_age', leader)]: '900000x4 20x30' }, at: '6m' },
  },
  {
    name: 'ArchiveStalled',
    ...when({
      what: 'time without archived log of the databases',
      metric: 'eco_writer_archive_age_seconds',
      wrong: 'above',
      limit: limits.archiveS,
      unit: 's',
      remedy: 'look into the log of the primary: is the folder of the backups full or gone?',
    }),
    severity: 'critical',
    summary: 'The log of the databases is not archived, so what is committed now cannot be restored',
    runbook: 'eco_writer_archive_age_seconds',
    fires: { series: { [series('eco_writer_archive_age_seconds', leader)]: '301x4' }, at: '1m', labels: leader },
    silent: { series: { [series('eco_writer_archive_age_seconds', leader)]: '61x4' }, at: '1m' },
  },
  {
    name: 'ReplicaAbsent',
    ...when({
      what: 'absence of a replica',
      metric: 'eco_writer_replica_absent_seconds',
      wrong: 'above',
      limit: limits.absentS,
      unit: 's',
      remedy: 'start the replica: it catches up',
    }),
    severity: 'warning',
    summary: 'The replica of slot {{ $labels.slot }} is away, and its slot holds back vacuum',
    runbook: 'eco_writer_replica_absent_seconds',
    fires: {
      series: { [series('eco_writer_replica_absent_seconds', { ...leader, slot: 'g1_2' })]: '0+15x4' },
      at: '1m',
      labels: { ...leader, slot: 'g1_2' },
    },
    silent: {
      series: { [series('eco_writer_replica_absent_seconds', { ...leader, slot: 'g1_2' })]: '0 9 _x4' },
      at: '15s',
    },
  },
  {
    name: 'SlotRenewed',
    expr: 'increase(eco_writer_slots_renewed_total[5m]) > 0',
    severity: 'warning',
    summary: 'A replica was away for so many seconds that its slot was created again: it may have to be copied',
    runbook: 'eco_writer_replica_absent_seconds',
    fires: { series: { [series('eco_writer_slots_renewed_total', leader)]: '0x4 1x8' }, at: '2m', labels: leader },
    silent: { series: { [series('eco_writer_slots_renewed_total', leader)]: '1x12' }, at: '2m' },
  },
  {
    name: 'SessionsEnded',
    expr: grew('eco_writer_sessions_ended_total'),
    severity: 'warning',
    summary: 'Role {{ $labels.role }} holds transactions for longer than it may',
    runbook: 'eco_writer_sessions_ended_total',
    fires: {
      series: {
        [series('up', leader)]: '1x40',
        [series('eco_writer_sessions_ended_total', { ...leader, role: 'eco_reader' })]: '_x30 1x10',
      },
      at: '9m',
      labels: { ...leader, role: 'eco_reader' },
    },
    silent: {
      series: {
        [series('up', leader)]: '1x40',
        [series('eco_writer_sessions_ended_total', { ...leader, role: 'eco_reader' })]: '2x40',
      },
      at: '9m',
    },
  },
  {
    name: 'GroupClockAhead',
    ...when({
      what: 'group clock ahead of the primary',
      metric: 'eco_writer_group_clock_ahead_seconds',
      wrong: 'above',
      limit: limits.clockS,
      unit: 's',
      remedy: 'correct the clock of the primary',
    }),
    severity: 'warning',
    summary: 'The clock of the primary went back',
    runbook: 'a-clock-is-wrong',
    fires: { series: { [series('eco_writer_group_clock_ahead_seconds', leader)]: '900x4' }, at: '1m', labels: leader },
    silent: { series: { [series('eco_writer_group_clock_ahead_seconds', leader)]: '0.02x4' }, at: '1m' },
  },
  {
    name: 'PrimaryClockDiffers',
    ...when({
      what: 'primary ahead of the writer',
      metric: 'eco_writer_primary_clock_ahead_seconds',
      wrong: 'beyond',
      limit: limits.clockS,
      unit: 's',
      remedy: 'correct the clock of one machine',
    }),
    severity: 'warning',
    summary: 'The clocks of the primary and of a writer differ',
    runbook: 'a-clock-is-wrong',
    fires: { series: { [series('eco_writer_primary_clock_ahead_seconds', leader)]: '-8x4' }, at: '1m', labels: leader },
    silent: { series: { [series('eco_writer_primary_clock_ahead_seconds', leader)]: '-4x4' }, at: '1m' },
  },
  {
    name: 'LeadersChange',
    // A standby has term 0.
    expr: 'changes((max by (group) (eco_writer_term) > 0)[15m:15s]) > 3',
    severity: 'warning',
    summary: 'Group {{ $labels.group }} has had more than three new leaders in 15 min',
    runbook: 'eco_writer_term',
    fires: {
      series: {
        [forGroup('eco_writer_term', leader)]: '1x4 0x4 3x4 0x4 5x40',
        [forGroup('eco_writer_term', standby)]: '0x4 2x4 0x4 4x4 0x40',
      },
      at: '10m',
      labels: { group: 'g1' },
    },
    silent: {
      series: {
        [forGroup('eco_writer_term', leader)]: '1x4 0x40',
        [forGroup('eco_writer_term', standby)]: '0x4 2x40',
      },
      at: '10m',
    },
  },
];
