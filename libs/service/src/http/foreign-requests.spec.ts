import type { IncomingMessage } from 'node:http';
import { ForeignRequests } from './foreign-requests.js';

const foreign = new ForeignRequests(['Tills.Example', 'central-api-1']);

/** The name of the problem with which a request with these headers is refused. */
function refusal(method: string, headers: Record<string, string>, rawHeaders?: string[]): string | undefined {
  const raw = rawHeaders ?? Object.entries(headers).flat();
  return foreign.refusalOf({ method, httpVersionMajor: 1, headers, rawHeaders: raw } as IncomingMessage)?.problem;
}

it.each([
  'localhost',
  'LOCALHOST:8000',
  'shop.localhost:8000',
  '127.0.0.1:8000',
  '10.1.2.3',
  '[::1]:8000',
  '[::ffff:127.0.0.1]',
  'tills.example',
  'TILLS.example:443',
  'central-api-1:8000',
])('a request to the host %s is accepted', (host) => {
  expect(refusal('GET', { host })).toBeUndefined();
});

it.each([
  'evil.example',
  'evil.example:8000',
  'localhost.evil.example',
  'evillocalhost',
  'tills.example.evil.example',
  '127.0.0.1.evil.example',
  '[evil]',
  'localhost:8000:1',
  'localhost:x',
  'tills.example@evil.example',
  '',
])('a request to the host %j is refused', (host) => {
  expect(refusal('GET', { host })).toBe('misdirected');
});

it('a request of HTTP/1.0 without a host is accepted', () => {
  expect(refusal('GET', {})).toBeUndefined();
});

// ASVS 5.0: 4.2.1
it('a request with two Host headers is refused, whatever their values', () => {
  expect(refusal('GET', { host: 'localhost' }, ['Host', 'localhost', 'hOST', 'localhost'])).toBe('bad-input');
});

const host = 'localhost:8000';
const json = { host, 'content-type': 'application/json' };

describe('a request that changes something', () => {
  it.each([
    ['of our own page', { ...json, origin: 'http://localhost:8000', 'sec-fetch-site': 'same-origin' }],
    ['of our own page behind TLS', { ...json, host: 'tills.example', origin: 'https://tills.example' }],
    ['of a program', json],
    ['of a program, without a body', { host, 'idempotency-key': '1' }],
  ])('is accepted: %s', (_what, headers) => {
    for (const method of ['POST', 'PUT', 'DELETE']) expect(refusal(method, headers)).toBeUndefined();
  });

  // ASVS 5.0: 3.5.1
  it.each([
    ['another site', { ...json, origin: 'http://evil.example' }],
    ['another port', { ...json, origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' }],
    ['a sandboxed page', { ...json, origin: 'null' }],
    ['another site, without an origin', { ...json, 'sec-fetch-site': 'cross-site' }],
    ['an origin that names our host elsewhere', { ...json, origin: 'http://evil.example/localhost:8000' }],
  ])('is refused if it comes from %s', (_what, headers) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) expect(refusal(method, headers)).toBe('cross-site');
  });

  // ASVS 5.0: 3.5.2
  it('without a body is refused if any page could send it', () => {
    expect(refusal('POST', { host })).toBe('unsupported-media-type');
  });
});

it('a read from a foreign page is answered, because that page can’t see the answer', () => {
  for (const method of ['GET', 'HEAD']) {
    expect(refusal(method, { host, origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' })).toBeUndefined();
  }
});
