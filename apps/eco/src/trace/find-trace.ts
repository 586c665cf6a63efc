import type { RunningSystem } from '@eco/cluster';
import { readDeadLetter, readDecidedCommand, type DecidedCommand, type KeptDeadLetter } from '@eco/database';
import { askNodes, primaryOf, SideConnection } from '@eco/postgres';
import { idsOf } from './ids.js';
import { linesWith, type LogFile } from './log-lines.js';
import { stepsOf, type TraceStep } from './steps.js';

export interface Trace {
  readonly steps: readonly TraceStep[];
  readonly commandIds: readonly string[];
  readonly correlationIds: readonly string[];
  /** What could not be read, each in a sentence. */
  readonly notRead: readonly string[];
}

/** Time limit of an answer, ms. */
const ANSWER_MS = 10_000;

/** Follows an order's id, another command's, a correlation id or a trace through logs and rows. */
export async function findTrace(system: RunningSystem, logs: readonly LogFile[], id: string) {
  const ids = idsOf(id, await linesWith(logs, [id]));
  const { decided, letters, notRead } = await readRows(system, [...ids.commandIds]);
  // The line of a large batch states no correlation ids, only its number.
  const batches = decided.map(({ term, seq }) => `"term":${term},"seq":${seq},`);
  const lines = await linesWith(logs, [id, ...ids.correlationIds, ...ids.commandIds, ...batches]);
  const steps = stepsOf(ids, lines, decided, letters);
  const batchSeen = lines.some(({ msg }) => msg === 'batch');
  const trace: Trace = {
    steps,
    commandIds: [...ids.commandIds],
    correlationIds: [...ids.correlationIds],
    notRead: [
      ...notRead,
      ...(decided.length > 0 && !batchSeen
        ? ['the batch: no writer logged it here. Batches of more than five commands are logged at debug']
        : []),
    ],
  };
  return trace;
}

async function readRows(system: RunningSystem, commandIds: readonly string[]) {
  const decided: DecidedCommand[] = [];
  const letters: KeptDeadLetter[] = [];
  const notRead: string[] = [];
  const operator = system.databaseLogin('eco_operator');
  for (const { id, nodes } of system.groups) {
    const answers = await askNodes(nodes, operator, ANSWER_MS);
    const answering = primaryOf(answers) ?? answers.find(({ type }) => type === 'replica');
    if (answering === undefined) {
      notRead.push(`rows of group ${id}: no node of it answers`);
      continue;
    }
    const node = new SideConnection(answering.node, operator, 'eco trace');
    try {
      for (const commandId of commandIds) {
        const command = await readDecidedCommand(node, commandId);
        if (command !== undefined) decided.push(command);
        letters.push(...(await readDeadLetter(node, commandId)).letters);
      }
    } catch (error) {
      notRead.push(`rows of group ${id}: ${(error as Error).message}`);
    } finally {
      node.close();
    }
  }
  return { decided, letters, notRead };
}
