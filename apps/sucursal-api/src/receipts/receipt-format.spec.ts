import { formatOf } from './receipt-format.js';

it.each([
  [undefined, 'json'],
  ['', 'json'],
  ['*/*', 'json'],
  ['text/plain', 'text'],
  ['image/avif,image/webp,image/svg+xml,*/*;q=0.8', 'svg'],
  ['application/octet-stream', 'escpos'],
  ['text/plain;q=0.5, application/json', 'json'],
  ['text/plain;q=0, image/svg+xml;q=0.1', 'svg'],
  ['text/html', 'json'],
  ['text/plain, image/svg+xml', 'text'],
])('reads %j as %s', (accept, format) => {
  expect(formatOf(accept)).toBe(format);
});
