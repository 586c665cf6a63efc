import { askManagement, type Management } from '@eco/broker';
import {
  clientUrlOf,
  isListening,
  isSameProcess,
  openSecrets,
  operatorsUrlOf,
  RunningSystem,
  type Layout,
  type Run,
  type Secrets,
} from '@eco/cluster';
import { ReplicationWatch } from '@eco/database';
import { Metrics } from '@eco/observability';
import type { ComposeSystem } from './compose-system.js';

export interface ProcessStatus {
  readonly name: string;
  /** Null if it does not run, or runs in a container. */
  readonly pid: number | null;
  /** Port on this machine; 0: no port of this machine leads to the process. */
  readonly port: number;
  /** `live`: the process responds but can't work. `running`: it does not respond. */
  readonly state: 'ready' | 'live' | 'running' | 'down';
  /** `primary` or `replica` for a database, `leader` or `standby` for a writer. */
  readonly role?: string;
  /** The reason why the process is not ready, or another fact for the operator. */
  readonly detail?: string;
}

type ReportedState = Pick<ProcessStatus, 'state' | 'role' | 'detail'>;

const ANSWER_MS = 3000;

/** Asks every process of a run for its state. Settles within a few seconds, even without answers. */
export async function lookAt({ layout, missing, processes }: Run, dataDir: string): Promise<ProcessStatus[]> {
  const asked = askAll(layout, await openSecrets(dataDir));
  if (layout.epmdPort !== 0) asked.unshift({ name: 'epmd', port: layout.epmdPort, answer: askEpmd(layout) });
  return Promise.all(
    asked.map(async ({ name, port, answer }) => {
      const process = processes.find((each) => each.name === name && isSameProcess(each));
      const reported = await answer;
      // A server in a container has no process here, but it answers.
      if (process || reported.state !== 'running') return { name, port, pid: process?.pid ?? null, ...reported };
      const reason = missing[name];
      return { name, port, pid: null, state: 'down' as const, ...(reason !== undefined && { detail: reason }) };
    }),
  );
}

/**
 * The same for the containers of compose.yaml. Those behind the load balancer have no port here, so Docker's state is
 * shown.
 */
export async function lookAtContainers({ containers, layout, secrets }: ComposeSystem): Promise<ProcessStatus[]> {
  const asked = await Promise.all(
    askAll(layout, secrets).map(async ({ name, port, answer }) => {
      const service = name === 'central-api' ? 'nginx' : name;
      const reported = await answer;
      const isRunning = containers.some((each) => each.service === service && each.state === 'running');
      return { name, pid: null, port, ...(isRunning ? reported : { state: 'down' as const }) };
    }),
  );
  const behind = containers.filter(({ service }) => /^central-api-\d+$/.test(service));
  return [
    ...asked,
    ...behind.map(({ service, state, health }): ProcessStatus => {
      const isReady = health === 'healthy';
      const answer = state !== 'running' ? 'down' : isReady ? 'ready' : 'running';
      return { name: service, pid: null, port: 0, state: answer, ...(isReady ? {} : { detail: health || state }) };
    }),
  ];
}

interface Asked {
  readonly name: string;
  readonly port: number;
  readonly answer: Promise<ReportedState>;
}

function askAll(layout: Layout, secrets: Secrets): Asked[] {
  const system = new RunningSystem(layout, secrets);
  return [
    ...layout.brokers.map((node) => ({
      name: node.name,
      port: node.amqpPort,
      answer: askBroker(system.management('operator', node)),
    })),
    ...layout.groups.flatMap((group) => {
      const watch = new ReplicationWatch(group.nodes, system.databaseLogin('eco_monitor'));
      const looked = watch.look().finally(() => watch.close());
      return group.nodes.map(({ name, port }) => ({
        name,
        port,
        answer: looked.then((nodes) => databaseAnswer(nodes, name)),
      }));
    }),
    ...layout.services.map((service) => {
      const { name, port, operatorsPort } = service;
      return { name, port: port ?? operatorsPort, answer: askService(service) };
    }),
    ...(layout.observers ?? []).map(({ name, host, port }) => ({
      name,
      port,
      answer: isListening(port, host).then((listens): ReportedState => ({ state: listens ? 'ready' : 'running' })),
    })),
  ];
}

async function askEpmd({ epmdPort }: Layout): Promise<ReportedState> {
  return { state: (await isListening(epmdPort)) ? 'ready' : 'running' };
}

async function askBroker(management: Management): Promise<ReportedState> {
  // Memory or disk is running out: the broker then blocks all publishers.
  const answer = await askManagement(management, '/api/health/checks/alarms', { deadlineMs: ANSWER_MS }).catch(
    () => undefined,
  );
  if (!answer) return { state: 'running' };
  return answer.ok ? { state: 'ready' } : { state: 'live', detail: answer.text };
}

function databaseAnswer(nodes: Awaited<ReturnType<ReplicationWatch['look']>>, name: string): ReportedState {
  const node = nodes.find((each) => each.name === name);
  if (!node || node.role === 'unreachable') return { state: 'running' };
  if (node.role === 'primary') return { state: 'ready', role: 'primary' };
  const seen = node.seenByPrimary;
  if (seen?.state !== 'streaming') return { state: 'live', role: 'replica', detail: 'does not follow the primary' };
  return { state: 'ready', role: 'replica', detail: `${seen.syncState}, ${seen.lagBytes} bytes behind` };
}

/** A load balancer's answer to clients may come from another process than the answer to operators. */
async function askService(service: Layout['services'][number]): Promise<ReportedState> {
  const { port, app } = service;
  const operators = operatorsUrlOf(service);
  const [details, client, metrics] = await Promise.all([
    get(`${operators}/health/ready`),
    port === undefined ? undefined : get(`${clientUrlOf(service)}/health/ready`),
    app === 'shard-writer' ? Metrics.of(operators, ANSWER_MS) : undefined,
  ]);
  if (!details && !client) return { state: 'running' };
  const ready = { ok: (client ?? details)?.ok === true, text: details?.text ?? '' };
  const leads = metrics?.value('eco_writer_leader');
  const role = leads === undefined ? {} : { role: leads === 1 ? 'leader' : 'standby' };
  if (!ready.ok) return { state: 'live', ...role, detail: violationsIn(ready.text) };
  const journal = journalOf(ready.text);
  return { state: 'ready', ...role, ...(journal === undefined ? {} : { detail: `journal: ${journal}` }) };
}

/** A text about the commands that wait in the process's journal. Undefined: none waits. */
function journalOf(text: string): string | undefined {
  try {
    const { journal } = JSON.parse(text) as { journal?: string };
    return journal === 'empty' ? undefined : journal;
  } catch {
    return undefined;
  }
}

/** The sentences of a problem document. */
function violationsIn(text: string): string {
  try {
    const { faults = [] } = JSON.parse(text) as { faults?: { at: string; message: string }[] };
    return faults.map(({ at, message }) => `${at} ${message}`).join('; ');
  } catch {
    return text;
  }
}

async function get(url: string): Promise<{ ok: boolean; text: string } | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    return { ok: response.ok, text: await response.text() };
  } catch {
    return undefined;
  }
}
