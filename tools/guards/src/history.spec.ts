import { execFileSync } from 'node:child_process';
import { root } from './repository.js';

/** Forms of secrets. Each is a form that no ordinary text has. */
const SECRETS: Readonly<Record<string, RegExp>> = {
  'private key': /^[+ -]?\s*-----BEGIN [A-Z ]*PRIVATE KEY-----\s*$/,
  'private JWK': /"d"\s*:\s*"[A-Za-z0-9_-]{43}"/,
  'signed token': /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{86}/,
  'password of our form': /"(?:password|eco_[a-z]+|postgres|topology|cookie)"\s*:\s*"[A-Za-z0-9_-]{32}"/,
  'SCRAM verifier': /SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]{24}\$/,
  'argon2id hash': /\$argon2id\$v=\d+\$[^$\s]+\$[A-Za-z0-9+/]{22}/,
  'token of GitHub': /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40})/,
  'key of AWS': /\bAKIA[0-9A-Z]{16}\b/,
  'token of npm': /\bnpm_[A-Za-z0-9]{36}\b/,
  'password in a URL': /\b(?:amqps?|postgres(?:ql)?|smtps?|https?):\/\/[^\s:/@$`{}"']+:[A-Za-z0-9_-]{16,}@/,
};

function secretsIn(text: string): string[] {
  return Object.entries(SECRETS).flatMap(([what, form]) => (form.test(text) ? [what] : []));
}

/** A sample of each form, made at run time, so that this file has none. */
const samples: Readonly<Record<string, string>> = {
  'private key': `-----BEGIN ${'PRIVATE'} KEY-----`,
  'private JWK': JSON.stringify({ kty: 'OKP', d: 'a'.repeat(43) }),
  'signed token': ['eyJ' + 'a'.repeat(20), 'eyJ' + 'b'.repeat(20), 'c'.repeat(86)].join('.'),
  'password of our form': JSON.stringify({ password: 'x'.repeat(32) }),
  'SCRAM verifier': `SCRAM-SHA-256$4096:${'A'.repeat(22)}==$`,
  'argon2id hash': `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}`,
  'token of GitHub': `ghp_${'a'.repeat(36)}`,
  'key of AWS': `AKIA${'A'.repeat(16)}`,
  'token of npm': `npm_${'a'.repeat(36)}`,
  'password in a URL': `amqp://central:${'a'.repeat(32)}@broker`,
};

it.each(Object.entries(samples))('finds a %s', (what, sample) => {
  expect(secretsIn(sample)).toContain(what);
});

it('finds no secret in any commit', () => {
  const text = execFileSync('git', ['log', '-p', '--no-color', '--format=commit %H%n%B', 'HEAD'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 29,
  });
  let commit = '';
  const found: string[] = [];
  for (const line of text.split('\n')) {
    if (/^commit [0-9a-f]{40}$/.test(line)) commit = line.slice('commit '.length);
    else found.push(...secretsIn(line).map((what) => `${commit.slice(0, 9)}: ${what}: ${line.slice(0, 60)}`));
  }
  expect(commit).not.toBe('');
  expect(found).toEqual([]);
});
