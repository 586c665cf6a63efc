import type { RunningSystem } from '@eco/cluster';
import { verifyGroup, type VerifyReport } from '@eco/database';
import type { Address } from '@eco/base';
import { askNodes, primaryOf } from '@eco/postgres';
import { BadInput } from './input.js';

/** Time limit of an answer, ms. A busy machine may take this long. */
const ANSWER_MS = 10_000;

type GroupNode = RunningSystem['groups'][number]['nodes'][number];

export interface GroupVerification extends VerifyReport {
  /** Node whose snapshot was checked, such as `g1-2`. */
  node: string;
  role: 'primary' | 'replica';
  /** Time for which the snapshot was held, ms. */
  heldMs: number;
}

export interface VerifyOptions {
  /** Name of the node to check; absent: a replica of each group, or its primary if none answers. */
  node?: string;
  /** Time limit for each group, ms. */
  limitMs: number;
}

/**
 * Checks every group of a running system, each in one snapshot of one node. It uses a replica, because the checks read
 * whole tables. Throws BadInput if a group can't be read, or not within the limit.
 */
export async function verifyGroups(
  target: RunningSystem,
  { node, limitMs }: VerifyOptions,
): Promise<GroupVerification[]> {
  const groups = target.groups.filter(({ nodes }) => node === undefined || nodes.some(({ name }) => name === node));
  if (groups.length === 0) {
    const names = target.groups.flatMap(({ nodes }) => nodes.map(({ name }) => name));
    throw new BadInput(`--node must be one of ${names.join(', ')}, not ${JSON.stringify(node)}`);
  }
  const verified: GroupVerification[] = [];
  // The groups are checked one after the other, because they may share the machine.
  for (const { id, nodes } of groups) {
    const { chosen, role } = await choose(id, nodes, node, target);
    const startedMs = performance.now();
    const report = await verifyGroup(chosen, target.databaseLogin('eco_operator'), { limitMs }).catch(
      (error: Error) => {
        throw new BadInput(`${chosen.name} can't be checked: ${error.message}`);
      },
    );
    verified.push({ ...report, node: chosen.name, role, heldMs: Math.round(performance.now() - startedMs) });
  }
  return verified;
}

async function choose(
  group: string,
  nodes: readonly GroupNode[],
  wanted: string | undefined,
  target: RunningSystem,
): Promise<{ chosen: GroupNode; role: 'primary' | 'replica' }> {
  const answers = await askNodes(nodes, target.databaseLogin('eco_operator'), ANSWER_MS);
  const primary = primaryOf(answers);
  const roleOf = (node: Address) => (primary !== undefined && isSame(primary.node, node) ? 'primary' : 'replica');
  // A deposed primary still says that it is primary, and may show data that never became valid.
  const answering = nodes.filter((node) =>
    answers.some((answer) => isSame(answer.node, node) && (answer.type === 'replica' || roleOf(node) === 'primary')),
  );
  const chosen =
    wanted === undefined
      ? (answering.find((node) => roleOf(node) === 'replica') ?? answering[0])
      : answering.find(({ name }) => name === wanted);
  if (chosen === undefined) {
    throw new BadInput(`${wanted ?? `any node of group ${group}`} does not answer: see "npx eco status"`);
  }
  return { chosen, role: roleOf(chosen) };
}

function isSame(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port;
}
