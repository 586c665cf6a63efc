import fc from 'fast-check';
import { chooseNode, isLost, isReplayDone, ruleChange, validNodes, type ReplayProgress } from './decide.js';
import { failOver, LossNotAccepted, type GroupNodes } from './fail-over.js';

const NAMES = ['n1', 'n2', 'n3'];

/** One node of the model: a log of entries, of which a replica has received and replayed a part. */
interface Node {
  log: number[];
  replayed: number;
  /** The node that it follows. */
  source: string | undefined;
  /** The node that it should follow; its receiver notices later. */
  wanted: string | undefined;
  isPrimary: boolean;
  isUp: boolean;
}

/**
 * A group whose nodes go on by themselves between any two actions of the failover. The lost primary may go on, too: the
 * rule must hold even if it cannot be ended. `choose` draws from the schedule.
 */
class World implements GroupNodes {
  readonly nodes = new Map<string, Node>();
  readonly acknowledged = new Map<number, string>();
  #entry = 0;

  constructor(
    readonly choose: (limit: number) => number,
    readonly canEnd: boolean,
    readonly away: string | undefined,
  ) {
    for (const name of NAMES) {
      const isPrimary = name === 'n1';
      const source = isPrimary ? undefined : 'n1';
      this.nodes.set(name, { log: [], replayed: 0, source, wanted: source, isPrimary, isUp: true });
    }
  }

  node(name: string): Node {
    return this.nodes.get(name) as Node;
  }

  /** Up to `most` steps of the nodes. */
  run(most: number): void {
    for (let step = this.choose(most); step > 0; step -= 1) {
      const name = NAMES[this.choose(3)] as string;
      const node = this.node(name);
      if (!node.isUp) continue;
      if (node.isPrimary) this.#commit(name, node);
      else if (this.choose(4) === 0) node.source = node.wanted;
      else if (this.choose(3) === 0) node.replayed = Math.min(node.log.length, node.replayed + 1);
      else this.#receive(node);
    }
  }

  #commit(name: string, node: Node): void {
    if (this.choose(2) === 0) node.log.push((this.#entry += 1));
    for (const other of this.nodes.values()) {
      if (other.source !== name || !other.isUp) continue;
      for (const entry of node.log) {
        if (other.log.includes(entry) && !this.acknowledged.has(entry)) this.acknowledged.set(entry, name);
      }
    }
  }

  #receive(node: Node): void {
    const source = node.source === undefined ? undefined : this.nodes.get(node.source);
    if (!source?.isUp) return;
    const isPrefix = node.log.every((entry, index) => source.log[index] === entry);
    const next = source.log[node.log.length];
    if (isPrefix && next !== undefined) node.log.push(next);
  }

  async #act<T>(name: string, act: (node: Node) => T): Promise<T> {
    this.run(8);
    if (name === this.away) throw new Error(`${name} is away`);
    return act(this.node(name));
  }

  end = (name: string) =>
    this.#act(name, (node) => {
      if (this.canEnd) node.isUp = false;
    });

  detach = (name: string) =>
    this.#act(name, (node) => {
      node.wanted = undefined;
      while (node.source !== undefined) this.run(8);
    });

  progress = (name: string): Promise<ReplayProgress> =>
    this.#act(name, ({ source, log, replayed }) => ({
      hasReceiver: source !== undefined,
      received: BigInt(log.length),
      replayed: BigInt(replayed),
      waitsForLog: replayed === log.length,
    }));

  counting = (name: string) => this.#act(name, (): readonly string[] | undefined => undefined);

  reserve = (name: string) => this.#act(name, () => undefined);

  promote = (name: string) =>
    this.#act(name, (node) => {
      node.log = node.log.slice(0, node.replayed);
      node.isPrimary = true;
    });

  follow = (name: string, primary: string) =>
    this.#act(name, (node) => {
      node.source = node.wanted = primary;
    });
}

/** A world that has been running for a while, and what became of it. */
const worlds = fc.record({
  seed: fc.array(fc.nat(1000), { minLength: 200, maxLength: 400 }),
  canEnd: fc.boolean(),
  away: fc.option(fc.constantFrom('n2', 'n3'), { nil: undefined, freq: 3 }),
});

function worldOf({ seed, canEnd, away }: { seed: number[]; canEnd: boolean; away: string | undefined }): World {
  let drawn = 0;
  const choose = (limit: number) => ((seed[drawn++ % seed.length] ?? 0) + Math.floor(drawn / seed.length)) % limit;
  return new World(choose, canEnd, away);
}

const silent = () => undefined;
const request = { lost: 'n1', names: NAMES, attached: ['n2', 'n3'], joined: ['n2', 'n3'], lookMs: 0 };

describe('a failover', () => {
  it('loses nothing acknowledged, and afterwards only the new primary acknowledges', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (input) => {
        const world = worldOf(input);
        world.run(120);
        const before = new Map(world.acknowledged);
        const result = await failOver(world, request, silent).catch((error: unknown) => error);
        if (input.away !== undefined) {
          expect(result).toBeInstanceOf(LossNotAccepted);
          for (const [entry] of before) expect(world.node('n1').log).toContain(entry);
          return;
        }
        const { primary } = result as { primary: string };
        for (const entry of world.acknowledged.keys()) expect(world.node(primary).log).toContain(entry);
        const known = new Set(world.acknowledged.keys());
        world.run(200);
        for (const [entry, by] of world.acknowledged) {
          if (!known.has(entry)) expect(by).toBe(primary);
          expect(world.node(primary).log).toContain(entry);
        }
      }),
    );
  });

  it('does without a replica that has never joined the lost primary', async () => {
    const world = worldOf({ seed: [3, 1, 4, 1, 5, 9, 2, 6], canEnd: true, away: 'n3' });
    world.node('n3').source = world.node('n3').wanted = undefined;
    const result = await failOver(world, { ...request, attached: ['n2'], joined: ['n2'] }, silent);
    expect(result).toEqual({ primary: 'n2', followers: [], missing: [] });
  });

  it('names the missing replica when the loss is accepted', async () => {
    const world = worldOf({ seed: [3, 1, 4, 1, 5, 9, 2, 6], canEnd: true, away: 'n3' });
    const result = await failOver(world, { ...request, acceptLoss: true }, silent);
    expect(result).toEqual({ primary: 'n2', followers: [], missing: ['n3'] });
  });

  it('does without a replica that does not count by the rule', async () => {
    const world = worldOf({ seed: [3, 1, 4, 1, 5, 9, 2, 6], canEnd: true, away: 'n3' });
    world.counting = async () => ['n2'];
    expect(await failOver(world, request, silent)).toMatchObject({ primary: 'n2', missing: [] });
  });
});

describe('a primary is lost', () => {
  it('at once when its process has ended', () => {
    expect(isLost({ hasEnded: true, silentProbes: 0, streamsTo: 2 })).toBe(true);
  });

  it('when it is silent and no replica streams', () => {
    expect(isLost({ hasEnded: false, silentProbes: 3, streamsTo: 0 })).toBe(false);
    expect(isLost({ hasEnded: false, silentProbes: 4, streamsTo: 0 })).toBe(true);
    expect(isLost({ hasEnded: false, silentProbes: 100, streamsTo: 1 })).toBe(false);
  });
});

describe('replay is done', () => {
  const now = { hasReceiver: false, received: 100n, replayed: 90n, waitsForLog: false };

  it('when everything received is replayed and nothing is received any more', () => {
    expect(isReplayDone(undefined, { ...now, replayed: 100n })).toBe(true);
    expect(isReplayDone(undefined, { ...now, replayed: 100n, hasReceiver: true })).toBe(false);
  });

  it('not when it is stalled', () => {
    expect(isReplayDone(now, now)).toBe(false);
  });

  it('when it waits for log at two looks: the log ends in half a record', () => {
    const waits = { ...now, waitsForLog: true };
    expect(isReplayDone(now, waits)).toBe(false);
    expect(isReplayDone(waits, waits)).toBe(true);
    expect(isReplayDone({ ...waits, hasReceiver: true }, waits)).toBe(false);
    expect(isReplayDone({ ...waits, received: undefined }, { ...waits, received: undefined })).toBe(true);
  });
});

describe('the choice', () => {
  const detached = [
    { name: 'n2', replayed: 90n },
    { name: 'n3', replayed: 100n },
  ];
  const counting = ['n2', 'n3'];

  it('prefers a node only if no other has replayed more', () => {
    expect(chooseNode({ detached, counting, preferred: 'n2' })).toEqual({ type: 'promote', name: 'n3' });
    const equal = detached.map((each) => ({ ...each, replayed: 100n }));
    expect(chooseNode({ detached: equal, counting, preferred: 'n3' })).toEqual({ type: 'promote', name: 'n3' });
  });

  it('is refused without any replica, even if the loss is accepted', () => {
    expect(chooseNode({ detached: [], counting, acceptLoss: true })).toEqual({ type: 'refuse', missing: counting });
  });
});

it('does not inherit a rule from an earlier primary', () => {
  const rule = { timeline: 3, nodes: ['n2'] };
  expect(validNodes(rule, 3)).toEqual(['n2']);
  expect(validNodes(rule, 4)).toBeUndefined();
  expect(validNodes(undefined, 3)).toBeUndefined();
});

describe('the counting replicas', () => {
  const limitMs = 60_000;
  const away = (n2: number, n3: number) => new Map(Object.entries({ n2, n3 }));
  const rule = { timeline: 3, nodes: ['n2'] };
  const change = (awayMs: Map<string, number>, present?: typeof rule, timeline = 3) =>
    ruleChange({ awayMs, rule: present, timeline, limitMs });

  it('shrink to the streaming one when the other has been away for a while', () => {
    expect(change(away(0, 59_999))).toBeUndefined();
    expect(change(away(0, 60_000))).toEqual({ type: 'shrink', nodes: ['n2'], away: ['n3'] });
    expect(change(away(90_000, 60_000))).toBeUndefined();
    expect(change(away(0, 0))).toBeUndefined();
  });

  it('widen when all stream again, or another node has become the primary', () => {
    expect(change(away(0, 90_000), rule)).toBeUndefined();
    expect(change(away(90_000, 0), rule)).toBeUndefined();
    expect(change(away(0, 0), rule)).toEqual({ type: 'widen' });
    expect(change(away(0, 90_000), rule, 4)).toEqual({ type: 'widen' });
    // Its removal would wait for a replica.
    expect(change(away(9, 90_000), rule, 4)).toBeUndefined();
  });

  it('shrink and widen so that the row never promises more than the setting', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ n2: fc.nat(3), n3: fc.nat(3), rise: fc.nat(20) })), (steps) => {
        let present: typeof rule | undefined;
        let timeline = 1;
        for (const { n2, n3, rise } of steps) {
          if (rise === 0) timeline += 1;
          const next = change(away(n2 * 40_000, n3 * 40_000), present, timeline);
          if (next?.type === 'shrink') {
            expect(present).toBeUndefined();
            expect(next.nodes.length).toBeGreaterThan(0);
            present = { timeline, nodes: [...next.nodes] };
          } else if (next?.type === 'widen') present = undefined;
        }
      }),
    );
  });
});
