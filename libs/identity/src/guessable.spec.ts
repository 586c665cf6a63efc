import { newPasswordSchema } from './account.js';
import { readCommonPasswords } from './guessable.js';

const violationsOf = (password: string) =>
  newPasswordSchema.safeParse(password).error?.issues.map(({ message }) => message) ?? [];

describe('a new password', () => {
  // ASVS 5.0: 6.2.4, 6.2.12
  it('is none of 3,000 and more that are common, or known from a breach, in any case', () => {
    const common = [...readCommonPasswords()];
    expect(common.length).toBeGreaterThan(40_000);
    for (const password of [...common.slice(0, 3_000), '1qaz2wsx3edc', 'QWERTYqwerty']) {
      expect(violationsOf(password)).toEqual(['is among the common passwords of published breaches']);
    }
  });

  // ASVS 5.0: 6.2.11
  it.each(['EcoMarket-2026!', 'la sucursal del norte'])('has no word of the chain: %s', (password) => {
    expect(violationsOf(password)).toEqual(['must not contain ecomarket or sucursal']);
  });

  it.each(['a long password', 'correct horse battery staple', 'ñandú sobre la mesa'])('may be %s', (password) => {
    expect(violationsOf(password)).toEqual([]);
  });

  it('has 12 to 256 characters', () => {
    expect(violationsOf('x7'.repeat(5))).toEqual(['must have at least 12 characters']);
    expect(violationsOf('x7'.repeat(129))).toEqual(['must have at most 256 characters']);
  });
});
