import type { z } from 'zod';
import type { Violation } from '@eco/contracts';

/** The part of the request that a schema checked; it determines how a violation is addressed. */
export type InputPart = 'body' | 'path' | 'query' | 'header';

type Issue = z.core.$ZodIssue;

/**
 * Every violation that a schema found: with the schema's own message if it has one, otherwise with a message of this
 * file.
 */
export function violationsOf(error: z.ZodError, part: InputPart, input: unknown): Violation[] {
  const { issues } = error;
  return issues
    .filter((issue) => !isSaidBetter(issue, issues))
    .flatMap((issue) => violationsOfIssue(issue, part, input));
}

/**
 * zod calls a number beyond 2^53 "not whole", although it may be whole. If the field has a limit, that explains the
 * violation better.
 */
function isSaidBetter(issue: Issue, issues: readonly Issue[]): boolean {
  return isInexact(issue) && issues.some((other) => other !== issue && other.path.join('/') === issue.path.join('/'));
}

function isInexact(issue: Issue): boolean {
  return (issue.code === 'too_big' || issue.code === 'too_small') && issue.origin === 'int';
}

function violationsOfIssue(issue: Issue, part: InputPart, input: unknown): Violation[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ at: addressOf(part, [...issue.path, key]), message: 'is not a field here' }));
  }
  const message = words(issue, valueAt(input, issue.path));
  return [{ at: addressOf(part, issue.path), message: issue.path.length === 0 ? `the ${part} ${message}` : message }];
}

function words(issue: Issue, value: unknown): string {
  if (isInexact(issue)) return 'is too far from 0 to be exact';
  if (!issue.message.startsWith('Invalid ')) return issue.message;
  if (value === undefined) return 'is missing';
  if (issue.code === 'invalid_type') return `must be ${withArticle(issue.expected)}, not ${shown(value)}`;
  if (issue.code === 'invalid_value')
    return `must be one of ${issue.values.map(String).join(', ')}, not ${shown(value)}`;
  return `${shown(value)} has none of the forms that it may have`;
}

function withArticle(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type === 'int' ? 'whole number' : type}`;
}

/** The value as text if it is short, otherwise its type. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  const json = JSON.stringify(value);
  return json.length <= 40 ? json : `a ${typeof value}`;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (value === null || typeof value !== 'object') return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** A JSON pointer (RFC 6901) into the body, `query.limit`, `path.orderId`, `header.prefer`. */
export function addressOf(part: InputPart, path: readonly PropertyKey[]): string {
  if (part === 'body') {
    return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  }
  return [part, ...path.map(String)].join('.');
}
