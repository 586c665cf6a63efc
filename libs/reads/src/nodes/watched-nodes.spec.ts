import type { Probe } from './probe.js';
import { assignRoles, type RoleHolder } from './watched-nodes.js';

const probe = (fields: Pick<Probe, 'inRecovery' | 'timeline'>): Probe => ({
  position: { term: 1, tag: '0a0a0a0a', seq: 1 },
  atMs: 0,
  terms: [],
  buckets: 16,
  ownedBuckets: [],
  ...fields,
});
const node = (name: string, lastProbe: Probe | undefined, reachable = true): RoleHolder => ({
  address: { group: 'g1', name, host: name, port: 5432 },
  lastProbe,
  reachable,
  assigned: undefined,
});
const replica = probe({ inRecovery: true, timeline: undefined });
const primary = (timeline: number) => probe({ inRecovery: false, timeline });

function rolesOf(...nodes: RoleHolder[]): unknown[] {
  assignRoles(nodes);
  return nodes.map(({ assigned }) => assigned);
}

describe('roles are those that the nodes report', () => {
  it('the node that says it is primary has that role', () => {
    expect(rolesOf(node('a', primary(1)), node('b', replica), node('c', replica))).toEqual([
      'primary',
      'replica',
      'replica',
    ]);
  });

  it('of two nodes that say so, the one with the higher timeline has it, wherever it is listed', () => {
    expect(rolesOf(node('a', primary(1)), node('b', primary(2)))).toEqual(['deposed', 'primary']);
    expect(rolesOf(node('a', primary(3)), node('b', primary(2)))).toEqual(['primary', 'deposed']);
  });

  it('an unreachable node does not count, and keeps its role', () => {
    const gone = { ...node('a', primary(2), false), assigned: 'primary' as const };
    expect(rolesOf(gone, node('b', primary(1)))).toEqual(['primary', 'primary']);
  });

  it('a node that was never seen has no role', () => {
    expect(rolesOf(node('a', undefined, false), node('b', replica))).toEqual([undefined, 'replica']);
  });
});
