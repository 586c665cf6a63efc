import type { Alarm } from './alarm.js';
import { branchAlarms } from './alarms/branch.js';
import { brokerAlarms } from './alarms/broker.js';
import { consumerAlarms } from './alarms/consumers.js';
import { journalAlarms } from './alarms/journal.js';
import { processAlarms } from './alarms/processes.js';
import { readAlarms } from './alarms/reads.js';
import { serverAlarms } from './alarms/servers.js';
import { writerAlarms } from './alarms/writer.js';

/** All alarms, by the group of rules that Prometheus shows them in. */
export const alarmGroups: Readonly<Record<string, readonly Alarm[]>> = {
  processes: processAlarms,
  writers: writerAlarms,
  branches: branchAlarms,
  brokers: brokerAlarms,
  journals: journalAlarms,
  reads: readAlarms,
  consumers: consumerAlarms,
  servers: serverAlarms,
};

export const alarms: readonly Alarm[] = Object.values(alarmGroups).flat();
