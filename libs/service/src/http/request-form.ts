import type { IncomingMessage } from 'node:http';
import { problem, type ProblemError } from './problem.js';

/** The problem of a request that programs could read differently. Undefined: there is none. */
export function refusalOfForm({ url = '/', headers }: IncomingMessage): ProblemError | undefined {
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'identity') {
    return problem('unsupported-media-type', {
      faults: [{ at: 'header.content-encoding', message: 'must be absent or identity: requests are not compressed' }],
      headers: { 'Accept-Encoding': 'identity' },
    });
  }
  // The router's parser would keep the text as it was sent, so that it names something else.
  if (!isDecodable(url.slice(url.indexOf('?') + 1))) {
    return problem('bad-input', { faults: [{ at: 'query', message: 'is not correctly percent-encoded UTF-8' }] });
  }
  return undefined;
}

function isDecodable(text: string): boolean {
  if (!text.includes('%')) return true;
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
