import { announceKey, useAnnouncedKey } from './key-rotation.js';
import { createTokenSecrets, tokenSecretsSchema, type TokenSecrets } from './keys.js';
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
