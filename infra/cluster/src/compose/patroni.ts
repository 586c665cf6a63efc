import { z } from 'zod';
import { Refused } from '../refused.js';
import { until } from '../until.js';
import { FILES_DIR, FIRST_GROUP, groupOf } from './addresses.js';
import { composeContainers, composeExec } from './compose.js';

/** What an operator may ask of Patroni, which replaces a lost primary in the containers of compose.yaml. */

interface Switchover {
  readonly group?: string | undefined;
  /** Absent: a replica of Patroni's choice. */
  readonly to?: string | undefined;
}

/** Makes another node the primary, with nothing lost. Returns a sentence about the result. */
export async function composeSwitchover({ group = FIRST_GROUP, to }: Switchover): Promise<string> {
  const asked = await nodeOf(group);
  const before = await leaderOf(asked, group);
  if (before === undefined) throw new Refused(`${group} has no primary now: Patroni makes one as soon as it can`);
  if (to === before) return `${to} is the primary of ${group}`;
  const candidate = to === undefined ? [] : ['--candidate', to];
  const said = await patronictl(asked, 'switchover', group, '--leader', before, ...candidate, '--force');
  const other = async () => {
    const leader = await leaderOf(asked, group);
    return leader !== undefined && leader !== before;
  };
  // It refuses in words, not by its exit code.
  await until(`Patroni made no other node the primary: ${said.trim()}`, other, {
    deadlineMs: SWITCH_MS,
    pauseMs: 500,
  }).catch((error: Error) => {
    throw new Refused(error.message);
  });
  return `${(await leaderOf(asked, group)) ?? 'another node'} is the primary of ${group} now`;
}

/** Copies a replica from its primary again. */
export async function composeReinit(node: string): Promise<string> {
  const [group = ''] = node.split('-');
  const asked = await nodeOf(group);
  if (node === (await leaderOf(asked, group)))
    throw new Refused(`${node} is the primary: only a replica can be copied`);
  const said = await patronictl(asked, 'reinit', group, node, '--force', '--wait');
  if (!said.includes(DONE)) throw new Refused(`Patroni did not copy ${node}: ${said.trim()}`);
  return `${node} was copied from the primary of ${group}`;
}

const SWITCH_MS = 60_000;
const DONE = 'Reinitialize is completed';

/** The name of a node whose Patroni can be asked. It need not be one that the question is about. */
async function nodeOf(group: string): Promise<string> {
  const names = groupOf(group).nodes.map(({ name }) => name);
  const running = (await composeContainers()).find(
    ({ service, state }) => state === 'running' && names.includes(service),
  );
  if (running === undefined) throw new Refused(`no container of a database of ${group} runs`);
  return running.service;
}

async function leaderOf(asked: string, group: string): Promise<string | undefined> {
  const members = membersSchema.parse(JSON.parse(await patronictl(asked, 'list', group, '--format', 'json')));
  return members.find(({ Role, State }) => Role === 'Leader' && State === 'running')?.Member;
}

const membersSchema = z.array(z.object({ Member: z.string(), Role: z.string(), State: z.string() }));

function patronictl(node: string, ...args: string[]): Promise<string> {
  return composeExec(node, ['patronictl', '--config-file', `${FILES_DIR}/${node}.patroni.yml`, ...args]);
}
