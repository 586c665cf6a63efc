import { announceKey, useAnnouncedKey } from './key-rotation.js';
import { createTokenSecrets, idKeysOf, rotateIdKeys, tokenSecretsSchema, type TokenSecrets } from './keys.js';
import { TokenSigner, TokenVerifier } from './token.js';

const DAY = 86_400;
const NOW = 2_000_000_000;
const kids = ({ keys }: TokenSecrets) => keys.map(({ kid }) => kid);
const verifies = async (by: TokenSecrets, of: TokenSecrets) => {
  const token = await new TokenSigner(of).sign({ id: 'm-1', role: 'manager' }, 60);
  return (await new TokenVerifier({ secrets: by, graceSeconds: 0 }).verify(token)).type === 'current';
};

it('lets each process accept the tokens of the step before and of the step after', async () => {
  const before = await createTokenSecrets();
  const announced = await announceKey(before);
  const after = useAnnouncedKey(announced, NOW);
  expect(after.signingKey.kid).not.toBe(before.signingKey.kid);
  for (const [by, of] of [
    [announced, before],
    [before, announced],
    [after, announced],
    [announced, after],
    [after, before],
  ] as const) {
    expect(await verifies(by, of)).toBe(true);
  }
  expect(tokenSecretsSchema.parse(JSON.parse(JSON.stringify(after)))).toEqual(after);
});

it('continues with the announced key after an interruption, and refuses the second step without the first', async () => {
  const announced = await announceKey(await createTokenSecrets());
  expect(await announceKey(announced)).toBe(announced);
  expect(() => useAnnouncedKey(useAnnouncedKey(announced, NOW), NOW)).toThrow('no key was announced');
});

it('drops a key once its last token is not accepted any more, and leaves the id keys as they are', async () => {
  const first = await createTokenSecrets();
  const second = useAnnouncedKey(await announceKey(first), NOW);
  const early = useAnnouncedKey(await announceKey(second), NOW + 31 * DAY);
  expect(kids(early)).toContain(first.signingKey.kid);
  const late = useAnnouncedKey(await announceKey(second), NOW + 31 * DAY + 1);
  expect(kids(late)).toEqual([late.signingKey.kid, second.signingKey.kid]);
  expect([late.idKeyMaster, late.anonymousIdKey]).toEqual([first.idKeyMaster, first.anonymousIdKey]);
});

describe('id keys', () => {
  const idKeysAt = (secrets: TokenSecrets, now: number) =>
    idKeysOf('a-1', secrets, now).map((key) => key.toString('hex'));

  it('keep the former ones behind the present one, until no request of theirs can be repeated', async () => {
    const first = await createTokenSecrets();
    const second = rotateIdKeys(first, NOW);
    const third = rotateIdKeys(second, NOW + DAY);
    const [a, b, c] = [first, second, third].map((secrets) => idKeysAt(secrets, NOW)[0]);
    expect(new Set([a, b, c]).size).toBe(3);
    expect(idKeysAt(first, NOW)).toEqual([a]);
    expect(idKeysAt(second, NOW)).toEqual([b, a]);
    expect(idKeysAt(third, NOW + 121 * DAY)).toEqual([c, b, a]);
    expect(idKeysAt(third, NOW + 121 * DAY + 1)).toEqual([c, b]);
    expect(idKeysAt(third, NOW + 122 * DAY + 1)).toEqual([c]);
    // Customers keep their ids, and all tokens stay valid.
    const { anonymousIdKey, keys, signingKey } = first;
    expect(third).toMatchObject({ anonymousIdKey, keys, signingKey });
    expect(tokenSecretsSchema.parse(JSON.parse(JSON.stringify(third)))).toEqual(third);
  });

  it('are in each token, and the verifier finds them there', async () => {
    const secrets = rotateIdKeys(await createTokenSecrets(), Math.floor(Date.now() / 1000));
    const token = await new TokenSigner(secrets).sign({ id: 'a-1', role: 'manager' }, 60);
    const verified = await new TokenVerifier({ secrets, graceSeconds: 0 }).verify(token);
    if ('reason' in verified) throw new Error(verified.reason);
    const { idKey, formerIdKeys } = verified.principal;
    const found = [idKey, ...formerIdKeys].map((key) => key.export().toString('hex'));
    expect(found).toEqual(idKeysAt(secrets, Math.floor(Date.now() / 1000)));
    expect(found).toHaveLength(2);
  });

  it('are rotated at most four times within the time for which they are kept', async () => {
    let secrets = await createTokenSecrets();
    for (let times = 0; times < 4; times += 1) secrets = rotateIdKeys(secrets, NOW);
    expect(() => rotateIdKeys(secrets, NOW + 121 * DAY)).toThrow('rotated 4 times within 121 days');
    expect(rotateIdKeys(secrets, NOW + 122 * DAY).formerIdKeyMasters).toHaveLength(1);
  });
});
