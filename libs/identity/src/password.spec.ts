import { argon2Sync } from 'node:crypto';
import { hashPassword, isOutdated, isPassword, PasswordsBusyError } from './password.js';

// ASVS 5.0: 11.4.2
it('stores an argon2id hash at OWASP’s cost, with a new salt each time', async () => {
  const [one, other] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(one).not.toBe(other);
});

// ASVS 5.0: 6.2.8
it('recognises the password and no other', async () => {
  const stored = await hashPassword('contraseña larga');
  expect(await isPassword('contraseña larga', stored)).toBe(true);
  expect(await isPassword('contraseña larga'.normalize('NFD'), stored)).toBe(true);
  expect(await isPassword('contraseña larg', stored)).toBe(false);
  expect(await isPassword('', stored)).toBe(false);
});

it('computes a hash even for an account without a password, and accepts nothing', async () => {
  expect(await isPassword('anything', null)).toBe(false);
});

it('verifies a hash of another cost and reports it as outdated', async () => {
  const nonce = Buffer.alloc(16, 7);
  const hash = argon2Sync('argon2id', {
    message: 'old password',
    nonce,
    parallelism: 1,
    tagLength: 32,
    memory: 64,
    passes: 1,
  });
  const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  const stored = `$argon2id$v=19$m=64,t=1,p=1$${base64(nonce)}$${base64(hash)}`;
  expect(await isPassword('old password', stored)).toBe(true);
  expect(await isPassword('new password', stored)).toBe(false);
  expect(isOutdated(stored)).toBe(true);
  expect(isOutdated(await hashPassword('old password'))).toBe(false);
});

it('refuses more work than it finishes in about a second, and works again afterwards', async () => {
  const results = await Promise.allSettled(Array.from({ length: 80 }, () => isPassword('guess', null)));
  const refused = results.filter(({ status }) => status === 'rejected');
  // Two hashes run and 64 wait.
  expect(refused).toHaveLength(80 - 66);
  for (const each of refused) expect((each as PromiseRejectedResult).reason).toBeInstanceOf(PasswordsBusyError);
  expect(await isPassword('guess', await hashPassword('guess'))).toBe(true);
});
