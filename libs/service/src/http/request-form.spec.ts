import type { IncomingMessage } from 'node:http';
import { refusalOfForm } from './request-form.js';

const refusal = (url: string, headers: Record<string, string> = {}) =>
  refusalOfForm({ url, headers } as unknown as IncomingMessage);

it.each(['gzip', 'GZIP', 'br', 'deflate, identity', 'x', ''])('a request with the coding %j is refused', (coding) => {
  expect(refusal('/orders', { 'content-encoding': coding })).toMatchObject({
    status: 415,
    details: { headers: { 'Accept-Encoding': 'identity' } },
  });
});

it.each([undefined, 'identity', 'Identity'])('a request with the coding %j is accepted', (coding) => {
  expect(refusal('/orders', coding === undefined ? {} : { 'content-encoding': coding })).toBeUndefined();
});

it.each(['/orders?customerId=%FF', '/orders?customerId=%ED%A0%80', '/orders?x=%', '/orders?x=%zz'])(
  'a query that is no UTF-8 is refused: %s',
  (url) => {
    expect(refusal(url)).toMatchObject({ status: 400, details: { faults: [{ at: 'query' }] } });
  },
);

it.each(['/orders', '/orders?', '/orders?customerId=jos%C3%A9&from=2026-11-24T00:00:00%2B01:00'])(
  '%s is accepted',
  (url) => {
    expect(refusal(url)).toBeUndefined();
  },
);
