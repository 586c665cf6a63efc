import { covers, type BatchPosition } from '@eco/routing';
import fc from 'fast-check';
import { chooseNode, type ReadableNode, type ReadRequirements } from './choose.js';

const TAG = '0a0a0a0a';
const at = (seq: number, term = 1): BatchPosition => ({ term, tag: TAG, seq });
const node = (name: string, fields: Partial<ReadableNode> = {}): ReadableNode => ({
  name,
  role: 'replica',
  position: at(100),
  terms: [{ term: 1, tag: TAG, firstSeq: 1 }],
  lagMs: 0,
  follows: true,
  isResting: false,
  inFlight: 0,
  slowReads: 0,
  latencyMs: 1,
  ...fields,
});
const primary = (fields: Partial<ReadableNode> = {}) => node('g1-1', { role: 'primary', ...fields });
const requirements = (fields: Partial<ReadRequirements> = {}): ReadRequirements => ({
  waitLeftMs: 100,
  lagLimitMs: 2_000,
  primaryAllowed: true,
  ...fields,
});
const half = () => 0.5;

describe('a reader without a position', () => {
  it('uses a replica and spares the primary', () => {
    expect(chooseNode([primary(), node('g1-2')], requirements(), half)?.name).toBe('g1-2');
  });

  it('takes the primary when the only replica is beyond the lag limit', () => {
    expect(chooseNode([primary(), node('g1-2', { lagMs: 2_001, position: at(90) })], requirements(), half)?.name).toBe(
      'g1-1',
    );
  });

  it('uses the freshest replica when the primary is away too', () => {
    const late = node('g1-2', { lagMs: 60_000, position: at(90) });
    const later = node('g1-3', { lagMs: 90_000, position: at(80) });
    expect(chooseNode([later, late], requirements(), half)?.name).toBe('g1-2');
  });

  it('uses the replica of two that would answer first: load times latency', () => {
    const busy = node('g1-2', { inFlight: 9, latencyMs: 1 });
    const slow = node('g1-3', { inFlight: 0, latencyMs: 5 });
    for (const draw of [0, 0.5, 0.99]) expect(chooseNode([busy, slow], requirements(), () => draw)?.name).toBe('g1-3');
  });

  it('avoids a replica that receives no log while a better node exists', () => {
    const broken = node('g1-2', { follows: false });
    expect(chooseNode([primary(), broken, node('g1-3', { inFlight: 99 })], requirements(), half)?.name).toBe('g1-3');
    expect(chooseNode([broken], requirements(), half)?.name).toBe('g1-2');
  });

  it('avoids a node that failed a moment ago while a better node exists', () => {
    const resting = node('g1-2', { isResting: true });
    expect(chooseNode([primary(), resting, node('g1-3', { inFlight: 99 })], requirements(), half)?.name).toBe('g1-3');
    expect(chooseNode([primary(), resting], requirements(), half)?.name).toBe('g1-1');
    expect(chooseNode([resting], requirements(), half)?.name).toBe('g1-2');
  });

  it('uses for a slow read the replica with the fewest slow reads, whatever its other load', () => {
    const queue = node('g1-2', { slowReads: 2 });
    const busy = node('g1-3', { slowReads: 1, inFlight: 50, latencyMs: 9 });
    expect(chooseNode([primary(), queue, busy], requirements({ pace: 'slow' }), half)?.name).toBe('g1-3');
    expect(chooseNode([primary(), queue, busy], requirements(), half)?.name).toBe('g1-2');
  });

  it('spares the primary beyond its budget, however late the replicas are', () => {
    const late = node('g1-2', { lagMs: 9_000, position: at(90) });
    expect(chooseNode([primary(), late], requirements({ primaryAllowed: false }), half)?.name).toBe('g1-2');
  });

  it('uses the primary beyond its budget when there is no replica', () => {
    expect(chooseNode([primary()], requirements({ primaryAllowed: false }), half)?.name).toBe('g1-1');
  });

  it('gets no node only when there is none', () => {
    expect(chooseNode([], requirements(), half)).toBeUndefined();
  });
});

describe('a reader with a position', () => {
  it('prefers a replica that covers it to one that does not, whatever their load', () => {
    const behind = node('g1-2', { position: at(99), lagMs: 5 });
    const busy = node('g1-3', { inFlight: 50 });
    expect(chooseNode([primary(), behind, busy], requirements({ wanted: at(100) }), half)?.name).toBe('g1-3');
  });

  it('tries the farthest replica while it may wait, because its known state is as old as a probe', () => {
    const nodes = [
      primary(),
      node('g1-2', { position: at(98), lagMs: 20 }),
      node('g1-3', { position: at(99), lagMs: 10 }),
    ];
    expect(chooseNode(nodes, requirements({ wanted: at(101) }), half)?.name).toBe('g1-3');
    expect(chooseNode(nodes, requirements({ wanted: at(101), waitLeftMs: 0 }), half)?.name).toBe('g1-1');
  });

  it('does not wait for a replica that can’t catch up in that time', () => {
    const nodes = [primary(), node('g1-2', { position: at(50), lagMs: 5_000 })];
    expect(chooseNode(nodes, requirements({ wanted: at(100) }), half)?.name).toBe('g1-1');
  });

  it('does not wait for a replica that lost the batch that the reader saw', () => {
    const lost = node('g1-2', { position: { term: 1, tag: 'ffffffff', seq: 500 } });
    expect(chooseNode([primary(), lost], requirements({ wanted: at(100) }), half)?.name).toBe('g1-1');
  });

  it('uses a replica beyond the lag limit if it covers the position', () => {
    const late = node('g1-2', { position: at(90), lagMs: 9_000 });
    expect(chooseNode([primary(), late], requirements({ wanted: at(80) }), half)?.name).toBe('g1-2');
  });
});

describe('a reader with a greatest lag', () => {
  it('uses a replica within it, or else the primary', () => {
    const late = node('g1-2', { lagMs: 900 });
    expect(chooseNode([primary(), late], requirements({ lagMsMax: 1_000 }), half)?.name).toBe('g1-2');
    expect(chooseNode([primary(), late], requirements({ lagMsMax: 500, waitLeftMs: 0 }), half)?.name).toBe('g1-1');
  });

  it('never treats a replica with unknown lag as fresh', () => {
    const unknown = node('g1-2', { lagMs: undefined });
    expect(chooseNode([primary(), unknown], requirements({ lagMsMax: 999_999_999 }), half)?.name).toBe('g1-1');
    expect(chooseNode([primary(), unknown], requirements(), half)?.name).toBe('g1-1');
    expect(chooseNode([unknown], requirements(), half)?.name).toBe('g1-2');
  });

  it('waits for a replica that can catch up in time', () => {
    const late = node('g1-2', { lagMs: 900 });
    expect(chooseNode([primary(), late], requirements({ lagMsMax: 850 }), half)?.name).toBe('g1-2');
  });

  it('gets no node for now beyond the budget of the primary', () => {
    const late = node('g1-2', { lagMs: 9_000 });
    expect(chooseNode([primary(), late], requirements({ lagMsMax: 500, primaryAllowed: false }), half)).toBeUndefined();
  });
});

describe('any knowledge about the nodes', () => {
  const someNode = fc.record({
    role: fc.constantFrom('replica' as const, 'replica' as const, 'primary' as const),
    position: fc.record({ term: fc.integer({ min: 1, max: 3 }), seq: fc.integer({ min: 0, max: 30 }) }),
    lagMs: fc.option(fc.integer({ min: 0, max: 4_000 }), { nil: undefined }),
    follows: fc.boolean(),
    isResting: fc.boolean(),
    slowReads: fc.integer({ min: 0, max: 5 }),
    inFlight: fc.integer({ min: 0, max: 100 }),
    latencyMs: fc.double({ min: 0.1, max: 100, noNaN: true }),
  });
  // Term 2 began at 11, term 3 at 21. A node of an earlier term beyond that is on a lost branch.
  const history = [1, 11, 21].map((firstSeq, index) => ({ term: index + 1, tag: TAG, firstSeq }));
  const nodesOf = (drawn: (typeof someNode extends fc.Arbitrary<infer N> ? N : never)[]) =>
    drawn.map((fields, index) =>
      node(`n${index}`, {
        ...fields,
        position: at(fields.position.seq, fields.position.term),
        terms: history.slice(0, fields.position.term),
      }),
    );
  const someWish = fc.record({
    wanted: fc.option(
      fc.record({ term: fc.integer({ min: 1, max: 3 }), seq: fc.integer({ min: 0, max: 30 }), tag: fc.constant(TAG) }),
      { nil: undefined },
    ),
    waitLeftMs: fc.constantFrom(0, 50, 1_000),
    lagMsMax: fc.option(fc.integer({ min: 0, max: 4_000 }), { nil: undefined }),
    lagLimitMs: fc.constantFrom(500, 2_000),
    primaryAllowed: fc.boolean(),
    pace: fc.constantFrom('slow' as const, undefined),
  });
  const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 2, maxLength: 2 });

  const property = (
    check: (chosen: ReadableNode | undefined, nodes: ReadableNode[], asked: ReadRequirements) => void,
  ) =>
    fc.assert(
      fc.property(fc.array(someNode, { maxLength: 5 }), someWish, draws, (drawn, asked, [first, second]) => {
        const nodes = nodesOf(drawn);
        const numbers = [first, second];
        check(
          chooseNode(nodes, asked, () => numbers.shift() ?? 0),
          nodes,
          asked,
        );
      }),
      { numRuns: 2_000 },
    );
  const wishes = ({ wanted, lagMsMax }: ReadRequirements) => wanted !== undefined || lagMsMax !== undefined;
  const lagOf = (of: ReadableNode) => of.lagMs ?? Infinity;
  const fits = (of: ReadableNode, { wanted, lagMsMax }: ReadRequirements) =>
    (lagMsMax === undefined || lagOf(of) <= lagMsMax) &&
    (wanted === undefined || covers(of.position, wanted, of.terms) === 'covered');
  const isWell = (of: ReadableNode, { lagLimitMs }: ReadRequirements) =>
    of.follows && !of.isResting && lagOf(of) <= lagLimitMs;
  const isReplica = (of: ReadableNode) => of.role === 'replica';

  it('a reader without requirements gets a node as long as there is one', () => {
    property((chosen, nodes, asked) => {
      if (nodes.length === 0) expect(chosen).toBeUndefined();
      else if (!wishes(asked)) expect(nodes).toContain(chosen);
    });
  });

  it('a reader with requirements gets no node only if no replica fits and the primary must be spared', () => {
    property((chosen, nodes, asked) => {
      if (chosen !== undefined || nodes.length === 0) return;
      expect(wishes(asked) && !asked.primaryAllowed && nodes.some((of) => !isReplica(of))).toBe(true);
      expect(nodes.some((of) => isReplica(of) && fits(of, asked))).toBe(false);
    });
  });

  it('a fitting replica is never skipped for a node that does not fit', () => {
    property((chosen, nodes, asked) => {
      if (wishes(asked) && nodes.some((of) => isReplica(of) && fits(of, asked)))
        expect(chosen !== undefined && isReplica(chosen) && fits(chosen, asked)).toBe(true);
    });
  });

  it('the primary is spared while a replica follows within the limit and fits', () => {
    property((chosen, nodes, asked) => {
      const willDo = (of: ReadableNode) => isReplica(of) && isWell(of, asked) && fits(of, asked);
      if (nodes.some(willDo)) expect(chosen !== undefined && willDo(chosen)).toBe(true);
    });
  });

  it('beyond its budget the primary is never used while there is a replica', () => {
    property((chosen, nodes, { primaryAllowed }) => {
      if (!primaryAllowed && nodes.some(isReplica)) expect(chosen?.role).not.toBe('primary');
    });
  });

  it('a reader that may not wait longer gets the primary within its budget, unless a replica fits', () => {
    property((chosen, nodes, asked) => {
      if (!wishes(asked) || asked.waitLeftMs > 0 || !asked.primaryAllowed || nodes.every(isReplica)) return;
      if (!nodes.some((of) => isReplica(of) && fits(of, asked))) expect(chosen?.role).toBe('primary');
    });
  });

  it('without requirements and without a healthy replica, the freshest allowed node is used, healthy ones first', () => {
    property((chosen, nodes, asked) => {
      if (wishes(asked) || nodes.some((of) => isReplica(of) && isWell(of, asked))) return;
      const mayBeAsked = asked.primaryAllowed || !nodes.some(isReplica) ? nodes : nodes.filter(isReplica);
      const well = mayBeAsked.filter((of) => isWell(of, asked));
      if (chosen === undefined) return;
      expect(lagOf(chosen)).toBe(Math.min(...(well.length > 0 ? well : mayBeAsked).map(lagOf)));
    });
  });

  it('of two replicas that differ only in load and speed, the one that would answer sooner is used', () => {
    fc.assert(
      fc.property(someNode, someNode, draws, (a, b, [first, second]) => {
        const alike = (name: string, of: typeof a) => node(name, { inFlight: of.inFlight, latencyMs: of.latencyMs });
        const two = [alike('a', a), alike('b', b)];
        const numbers = [first, second];
        const chosen = chooseNode(two, requirements(), () => numbers.shift() ?? 0);
        const expected = (of: ReadableNode | undefined) => ((of?.inFlight ?? 0) + 1) * (of?.latencyMs ?? 0);
        expect(expected(chosen)).toBe(Math.min(...two.map(expected)));
      }),
    );
  });
});
