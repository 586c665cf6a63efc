import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunningBroker } from '@eco/cluster';
import { VHOST } from '@eco/broker';
import { eventually } from '@eco/testing';
import type { FaultSystem } from '../faults/fault-system.js';
import type { Window } from '../faults/window.js';

/** Has a service use other servers from its next start on, as an operator does. */
export async function giveSettings(
  { cluster }: FaultSystem,
  service: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await mkdir(path.join(cluster.dataDir, 'settings'), { recursive: true });
  await writeFile(path.join(cluster.dataDir, 'settings', `${service}.env`), lines.join(''));
}

/** Writers in the order of their upgrade: the standbys, then the leader. */
export async function writersInOrder(system: FaultSystem): Promise<string[]> {
  const leader = await system.untilActive();
  return [...system.writers.filter((each) => each !== leader), leader].map(({ name }) => name);
}

/** Messages that wait in a queue of commands, or are with a writer. */
export async function waitingCommands(broker: RunningBroker): Promise<number> {
  const text = await broker.control('list_queues', '-p', VHOST, '--no-table-headers', 'name', 'messages');
  const counts = text.split('\n').flatMap((line) => {
    const [name = '', count] = line.split(/\s+/);
    return /^(?:orders|products)\./.test(name) ? [Number(count)] : [];
  });
  if (counts.length === 0) throw new Error(`the broker has no queue of commands: ${text}`);
  return counts.reduce((sum, count) => sum + count, 0);
}

export function untilDrained(broker: RunningBroker): Promise<unknown> {
  return eventually('the queues of the old brokers are empty', async () => (await waitingCommands(broker)) === 0, {
    deadlineMs: 60_000,
    pauseMs: 100,
  });
}

/** Answers that say more than that a service was starting again. */
export function refusalsIn(window: Window): string[] {
  return [...window.refusals.keys()].filter((text) => !/^(?:fetch failed|terminated)/.test(text));
}

export function figuresOf(name: string, window: Window): string {
  const refused = [...window.refusals].map(([text, count]) => `${count} × ${text}`).join('; ') || 'none';
  return (
    `${name}: ${window.acceptedCount} accepted (${window.localCount} by the journal), ${window.decidedCount} decided; ` +
    `longest without an acceptance ${Math.round(window.longestGapMs)} ms, without a decision ` +
    `${Math.round(window.longestUndecidedMs)} ms; repeated: ${refused}\n`
  );
}
