import { acceptsGzip } from './compression.js';

it.each(['gzip', 'GZIP', 'deflate, gzip;q=0.5', '*', 'br;q=1.0, *;q=0.1', 'x-gzip', 'gzip ; q=1'])(
  'Accept-Encoding: %s accepts gzip',
  (header) => {
    expect(acceptsGzip(header)).toBe(true);
  },
);

it.each([undefined, '', 'identity', 'br', 'gzip;q=0', 'gzip;q=0.000', '*;q=0', 'gzip;q=0, *', 'gzip;q=x', 'agzip'])(
  'Accept-Encoding: %s does not accept gzip',
  (header) => {
    expect(acceptsGzip(header)).toBe(false);
  },
);
