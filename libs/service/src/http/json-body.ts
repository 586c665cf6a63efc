import { isUtf8 } from 'node:buffer';
import { problem } from './problem.js';

/**
 * Parses a JSON body. Bytes that are not UTF-8 are refused, because decoding would replace them by U+FFFD and could
 * make two customers' ids equal. No bytes mean no body. A key `__proto__` becomes a normal field, which a strict schema
 * refuses by name.
 */
export function parseJsonBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw malformed('The body is not UTF-8');
  const text = bytes.toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed((error as SyntaxError).message);
  }
}

function malformed(detail: string) {
  return problem('malformed-json', { detail, faults: [{ at: '', message: detail }] });
}
