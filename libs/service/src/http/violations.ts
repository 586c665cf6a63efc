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
  const value = valueAt(input, issue.path);
  const message = part === 'query' && Array.isArray(value) ? 'must be given only once' : words(issue, value);
  return [{ at: addressOf(part, issue.path), message: issue.path.length === 0 ? `the ${part} ${message}` : message }];
}

/** What zod calls its own messages. A schema's own message names the limit itself. */
const OF_ZOD = /^(?:Invalid |Too |Unrecognized )/;

function words(issue: Issue, value: unknown): string {
  if (isInexact(issue)) return 'is too far from 0 to be exact';
  if (!OF_ZOD.test(issue.message)) return issue.message;
  const limit = limitOf(issue);
  if (value === undefined)
    return limit === undefined || issue.code === 'invalid_type' ? 'is missing' : `is missing: ${limit}`;
  if (limit === undefined) return `${shown(value)} has none of the forms that it may have`;
  return issue.code === 'invalid_type' || issue.code === 'invalid_value' ? `${limit}, not ${shown(value)}` : limit;
}

/** What the schema allows. Undefined: zod does not say it. */
function limitOf(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${withArticle(issue.expected)}`;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'invalid_format':
      return `must have the form of ${issue.format}${issue.pattern === undefined ? '' : ` (${issue.pattern})`}`;
    case 'too_big':
      return `must ${isCounted(issue.origin) ? 'have' : 'be'} at most ${issue.maximum}${unitOf(issue.origin)}`;
    case 'too_small':
      return `must ${isCounted(issue.origin) ? 'have' : 'be'} at least ${issue.minimum}${unitOf(issue.origin)}`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_union': {
      const { options } = issue as { readonly options?: readonly unknown[] };
      if (options !== undefined) return oneOf(options);
      const limits = new Set(issue.errors.flat().map((each) => limitOrMessage(each)));
      return limits.size === 0 ? undefined : [...limits].join(', or ');
    }
    default:
      return undefined;
  }
}

function limitOrMessage(issue: Issue): string {
  return OF_ZOD.test(issue.message) ? (limitOf(issue) ?? issue.message) : issue.message;
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? `must be ${String(values[0])}` : `must be one of ${values.map(String).join(', ')}`;
}

const isCounted = (origin: string) => origin === 'string' || origin === 'array' || origin === 'set' || origin === 'map';

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return isCounted(origin) ? ' entries' : '';
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
