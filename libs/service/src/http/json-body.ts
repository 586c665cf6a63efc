import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { problem } from './problem.js';

const JSON_TYPE = /^application\/(?:json|merge-patch\+json)\s*(?:;\s*charset\s*=\s*(?:utf-8|"utf-8")\s*)?$/i;

/**
 * Parses a JSON body. Bytes that are not UTF-8 are refused, because decoding would replace them by U+FFFD and could
 * make two customers' ids equal. No bytes mean no body. A key `__proto__` becomes a normal field, which a strict schema
 * refuses by name. A body that two programs could read differently is refused: one in another charset, and an object with
 * a key twice.
 */
export function parseJsonBody(bytes: Buffer, headers: IncomingHttpHeaders, method = 'POST'): unknown {
  checkType(headers, method);
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw malformed('The body is not UTF-8');
  const text = bytes.toString('utf8');
  const value = parsed(text);
  if (membersWritten(text) !== membersKept(value)) throw malformed('An object of the body has a key twice');
  return value;
}

function checkType({ 'content-type': type = '' }: IncomingHttpHeaders, method: string) {
  const isPatch = method === 'PATCH';
  if (JSON_TYPE.test(type) && (isPatch || !/merge-patch/i.test(type))) return;
  const message = `must be application/json${isPatch ? ' or application/merge-patch+json' : ''}, in UTF-8`;
  throw problem('unsupported-media-type', { faults: [{ at: 'header.content-type', message }] });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed((error as SyntaxError).message);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** Number of members of all objects in valid JSON text. Each ":" outside of a string belongs to one member. */
function membersWritten(text: string): number {
  let members = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) isInString = !isInString;
    else if (isInString && code === BACKSLASH) index += 1;
    else if (!isInString && code === COLON) members += 1;
  }
  return members;
}

/**
 * Number of members of all objects in the parsed value, which keeps only the last of equal keys. The function has no
 * recursion, because a body may be deep.
 */
function membersKept(value: unknown): number {
  let members = 0;
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    const inside = Object.values(next);
    if (!Array.isArray(next)) members += inside.length;
    for (const each of inside) open.push(each);
  }
  return members;
}

function malformed(detail: string) {
  return problem('malformed-json', { detail, faults: [{ at: '', message: detail }] });
}
