import fc from 'fast-check';
import type { PublishOutcome } from '@eco/broker';
import { MAX_COMMANDS_PER_MESSAGE } from '@eco/contracts';
import { afterTry, FRESH, hasRoom, isWithinShare, mustAppend, type Lane } from './lane.js';

const confirmed: PublishOutcome = { type: 'confirmed' };
const returned: PublishOutcome = { type: 'returned' };
const refused: PublishOutcome = { type: 'refused', code: 406, reason: 'too large' };
const forbidden: PublishOutcome = { type: 'refused', code: 403, reason: 'ACCESS_REFUSED' };
const notNow: PublishOutcome[] = [
  { type: 'disconnected' },
  { type: 'nacked' },
  { type: 'unconfirmed', reason: 'deadline' },
  { type: 'unconfirmed', reason: 'connection-lost' },
  ...(['blocked', 'stalled', 'memory', 'deadline'] as const).map((reason): PublishOutcome => ({
    type: 'full',
    reason,
  })),
];
/** Whether the queue may have the message although it was not confirmed. */
const mayHaveArrived = ({ type }: PublishOutcome) => type === 'nacked' || type === 'unconfirmed';

/**
 * A lane, its broker, and a sender. The broker answers as scripted. If an answer leaves open whether the message
 * arrived, the script decides that too.
 */
class Model {
  readonly LIMIT = 40;
  kept: number[] = [];
  parked: number[] = [];
  accepted: number[] = [];
  refused: number[] = [];
  /** The queue's content, including repeats. */
  queue: number[] = [];
  lane: Lane = FRESH;

  constructor(readonly poison: ReadonlySet<number>) {}

  get usedBytes(): number {
    return this.kept.length + this.parked.length;
  }

  /** A client sends a command. If a broker is asked, it answers with `outcome`. */
  arrive(id: number, outcome: PublishOutcome, arrives: boolean): void {
    if (!mustAppend(this.kept.length)) {
      const said = this.deliver([id], outcome, arrives);
      if (said.type === 'confirmed') return void this.accepted.push(id);
    }
    if (!hasRoom(this.usedBytes, 1, this.LIMIT)) return void this.refused.push(id);
    this.kept.push(id);
    this.accepted.push(id);
  }

  /** The relay tries once to send its next message. */
  relay(outcome: PublishOutcome, arrives: boolean): void {
    const head = this.kept.slice(0, this.lane.most);
    if (head.length === 0) return void (this.lane = FRESH);
    const verdict = afterTry(this.lane, this.deliver(head, outcome, arrives), head.length);
    if (verdict.of === 'remove') this.kept.splice(0, head.length);
    if (verdict.of === 'park') {
      expect(head).toHaveLength(1);
      this.parked.push(...this.kept.splice(0, 1));
    }
    this.lane = verdict.lane;
  }

  deliver(ids: number[], outcome: PublishOutcome, arrives: boolean): PublishOutcome {
    if (outcome.type === 'confirmed' && ids.some((id) => this.poison.has(id))) return refused;
    if (
      outcome.type === 'confirmed' ||
      (mayHaveArrived(outcome) && arrives && !ids.some((id) => this.poison.has(id)))
    ) {
      this.queue.push(...ids);
    }
    return outcome;
  }
}

const outcome = fc.oneof(
  { weight: 4, arbitrary: fc.constant(confirmed) },
  fc.constantFrom(returned, forbidden, ...notNow),
);
const turns = fc.array(
  fc.record({ what: fc.constantFrom('arrive', 'arrive', 'relay', 'restart'), outcome, arrives: fc.boolean() }),
  // Without `size` nearly all scripts have ten turns at most, and cases that need four turns in the right order are
  // found only by chance.
  { maxLength: 150, size: 'max' },
);
const poisons = fc.uniqueArray(fc.nat(120), { maxLength: 4 });

function run(script: { what: string; outcome: PublishOutcome; arrives: boolean }[], poison: number[]): Model {
  const model = new Model(new Set(poison));
  let id = 0;
  for (const turn of script) {
    if (turn.what === 'arrive') model.arrive(id++, turn.outcome, turn.arrives);
    if (turn.what === 'relay') model.relay(turn.outcome, turn.arrives);
    if (turn.what === 'restart') model.lane = FRESH;
    expect(model.usedBytes).toBeLessThanOrEqual(model.LIMIT);
    expect(model.lane.most).toBeGreaterThanOrEqual(1);
    expect(model.lane.most).toBeLessThanOrEqual(MAX_COMMANDS_PER_MESSAGE);
  }
  return model;
}

const firsts = (ids: number[]) => ids.filter((id, index) => ids.indexOf(id) === index);

it('loses no accepted command, and delivers them in the order of acceptance', () => {
  fc.assert(
    fc.property(turns, poisons, (script, poison) => {
      const model = run(script, poison);
      // From any state, a broker that confirms again gets all remaining commands.
      for (let tries = 0; model.kept.length > 0 && tries < 2000; tries += 1) model.relay(confirmed, true);
      expect(model.kept).toEqual([]);
      const arrived = firsts(model.queue);
      const good = model.accepted.filter((id) => !model.poison.has(id));
      // A command that was refused for lack of room may have arrived. Its sender knows that this is unknown.
      expect(arrived.filter((id) => !model.refused.includes(id))).toEqual(good);
      expect([...model.parked].sort((a, b) => a - b)).toEqual(model.accepted.filter((id) => model.poison.has(id)));
    }),
    { numRuns: 500 },
  );
});

it('asks no broker for a command while another waits', () => {
  fc.assert(
    fc.property(turns, (script) => {
      const model = run(script, []);
      if (model.kept.length === 0) return;
      const before = model.queue.length;
      model.arrive(1_000_000, confirmed, true);
      expect(model.queue).toHaveLength(before);
    }),
  );
});

it.each([returned, forbidden, ...notNow])('keeps the head and probes with one command after %j', (said) => {
  const { of, lane } = afterTry({ ...FRESH, most: 64 }, said, 64);
  expect([of, lane.most, lane.failures]).toEqual(['keep', 1, 1]);
});

it('raises an alarm for a failure that an operator must repair, and clears it', () => {
  expect(afterTry(FRESH, returned, 3).lane.alarm).toBe('no queue takes it');
  expect(afterTry(FRESH, forbidden, 1)).toMatchObject({ of: 'keep', lane: { alarm: 'ACCESS_REFUSED' } });
  const alarmed = afterTry(FRESH, returned, 3).lane;
  expect(afterTry(alarmed, confirmed, 1).lane).toEqual({ most: 2, failures: 0, alarm: undefined });
  for (const said of notNow) expect(afterTry(FRESH, said, 3).lane.alarm).toBeUndefined();
});

it('halves refused messages until a single command is parked', () => {
  let lane = FRESH;
  const sizes: number[] = [];
  for (let count = 200; ; count = lane.most) {
    sizes.push(count);
    const verdict = afterTry(lane, refused, count);
    lane = verdict.lane;
    if (verdict.of === 'park') break;
  }
  expect(sizes).toEqual([200, 100, 50, 25, 12, 6, 3, 1]);
});

const LIMIT = 100_000;
const appends = fc.array(
  fc.record({
    client: fc.option(fc.constantFrom('ana', 'bo', 'eva'), { nil: undefined }),
    bytes: fc.integer({ min: 1, max: 2_000 }),
  }),
  { maxLength: 400, size: 'max' },
);

it('lets each client take at most what it leaves free, strangers together a third of that, and a new client always one command', () => {
  fc.assert(
    fc.property(appends, (arriving) => {
      const own = new Map<string | undefined, number>();
      const used = () => [...own.values()].reduce((sum, bytes) => sum + bytes, 0);
      const fits = (client: string | undefined, bytes: number) =>
        isWithinShare({ client, ownBytes: own.get(client) ?? 0, usedBytes: used(), limitBytes: LIMIT }, bytes);
      for (const { client, bytes } of arriving) {
        if (fits(client, bytes)) {
          own.set(client, (own.get(client) ?? 0) + bytes);
          const free = LIMIT - used();
          expect(own.get(client)).toBeLessThanOrEqual(client === undefined ? free / 3 : free);
        }
        // Three clients and the strangers leave at least 3/4 of 1/8 of the journal.
        expect(fits('a new client', (LIMIT * 3) / 4 / 8 / 2)).toBe(true);
      }
    }),
  );
});
