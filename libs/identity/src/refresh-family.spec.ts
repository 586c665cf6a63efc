import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { familyHashOf, newFamily, REPEAT_MS, useToken, type RefreshFamily } from './refresh-family.js';

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((each) => Buffer.from(each));

/** A step of a holder. `back`: the used token, counted back from the newest. `afterMs`: time since the step before. */
const step = fc.record({
  back: fc.integer({ min: 0, max: 3 }),
  afterMs: fc.oneof(fc.integer({ min: 0, max: REPEAT_MS }), fc.integer({ min: 0, max: 10 * REPEAT_MS })),
  random: bytes(32),
});

/** Uses tokens until the family ends. Returns all `tokens` that were given out, the oldest first. */
function play(random: Buffer, steps: readonly { back: number; afterMs: number; random: Buffer }[]) {
  const begun = newFamily(random);
  const tokens = [begun.token];
  let family: RefreshFamily = begun.family;
  let nowMs = 1_000_000;
  let usedMs: number | undefined;
  const seen: { age: number; sinceUseMs: number | undefined; type: string }[] = [];
  for (const { back, afterMs, random: stepRandom } of steps) {
    nowMs += afterMs;
    const index = Math.max(0, tokens.length - 1 - back);
    const age = tokens.length - 1 - index;
    const use = useToken(family, tokens[index] as string, nowMs, stepRandom);
    seen.push({ age, sinceUseMs: usedMs === undefined ? undefined : nowMs - usedMs, type: use.type });
    if (use.type === 'reuse') break;
    if (use.type === 'rotate') {
      family = use.family;
      tokens.push(use.token);
      usedMs = nowMs;
    } else if (use.type === 'repeat') {
      expect(use.token).toBe(tokens[index + 1]);
    }
  }
  return { family, tokens, seen };
}

it('rotates the newest token, repeats the successor of the last used one for 10 s, and ends for any other', () => {
  fc.assert(
    fc.property(bytes(64), fc.array(step, { maxLength: 12 }), (random, steps) => {
      for (const { age, sinceUseMs, type } of play(random, steps).seen) {
        const isRecent = sinceUseMs !== undefined && sinceUseMs <= REPEAT_MS;
        expect(type).toBe(age === 0 ? 'rotate' : age === 1 && isRecent ? 'repeat' : 'reuse');
      }
    }),
  );
});

// ASVS 5.0: 7.2.3
it('gives out no token twice', () => {
  fc.assert(
    fc.property(bytes(64), fc.array(step, { maxLength: 12 }), (random, steps) => {
      const { tokens } = play(random, steps);
      expect(new Set(tokens).size).toBe(tokens.length);
    }),
  );
});

it('stores nothing from which a token can be computed', () => {
  fc.assert(
    fc.property(bytes(64), fc.array(step, { maxLength: 6 }), (random, steps) => {
      const { family, tokens } = play(random, steps);
      const stored = JSON.stringify(family);
      for (const part of tokens.flatMap((token) => token.split('.'))) expect(stored).not.toContain(part);
    }),
  );
});

it('treats a token of another family, or a guess without the family’s part, as foreign', () => {
  const mine = newFamily(Buffer.alloc(64, 1));
  const other = newFamily(Buffer.alloc(64, 2));
  const [, second = ''] = mine.token.split('.');
  const [otherFirst = ''] = other.token.split('.');
  for (const token of [other.token, `${otherFirst}.${second}`, '', 'x', `.${second}`, `${mine.token}.`]) {
    expect(useToken(mine.family, token, 0, Buffer.alloc(32)).type).toBe('foreign');
  }
});

it('treats a guess with the family’s part as a reuse: only a holder of a token knows that part', () => {
  const { family, token } = newFamily(Buffer.alloc(64, 1));
  const [first = ''] = token.split('.');
  expect(useToken(family, `${first}.${'A'.repeat(43)}`, 0, Buffer.alloc(32)).type).toBe('reuse');
});

it('is found by a hash of its first part', () => {
  const { family, token } = newFamily(Buffer.alloc(64, 1));
  const [first = ''] = token.split('.');
  expect(familyHashOf(token)).toBe(family.familyHash);
  expect(family.familyHash).toBe(createHash('sha256').update(first).digest('base64url'));
  expect(familyHashOf('no token')).toBeUndefined();
});
