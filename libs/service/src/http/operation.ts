import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { TraceParent } from '@eco/base';
import { fieldRuleOf, type Access, type Caller, type FieldRule } from '@eco/access';
import type { ProblemName, Violation } from '@eco/contracts';
import { addressOf, violationsOf, type InputPart } from './violations.js';
import { problem } from './problem.js';

/*
 * An operation is declared once, with its callers, its input and its responses. The API document is built from the
 * declarations. `@Input` reads path, query, headers and body of a request together. So a bad request gets all its
 * violations, and not only those of one part.
 */

declare module 'fastify' {
  interface FastifyRequest {
    /** The trace that the client named or this process began, also one that is not recorded. */
    trace: TraceParent | undefined;
  }
}

export interface AnswerDeclaration {
  readonly description: string;
  /** Absent: the response has no body. */
  readonly body?: z.ZodType;
  /** Other media types that a client may accept, with what they contain. */
  readonly alsoAs?: Readonly<Record<string, string>>;
  readonly headers?: readonly string[];
}

export interface OperationDeclaration {
  /** Verb and noun in the domain's words, such as `placeOrder`. Generated clients name their method so. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /**
   * The roles that may call the operation, and what each reaches with it. Other roles get 403, and clients without a
   * token 401.
   */
  readonly access: Access;
  readonly path?: z.ZodObject;
  /** Absent: the operation takes no query parameters. */
  readonly query?: z.ZodObject;
  /** Keys are in lower case. Other headers are ignored. */
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Values of parameters in the API document, where the schema has none or many operations share it. */
  readonly examples?: Readonly<Record<string, string>>;
  /** Responses by status. A controller that returns a plain value gets the lowest status. */
  readonly answers: Readonly<Record<number, AnswerDeclaration>>;
  /** Problems in addition to `bad-input`, which every operation can return. */
  readonly problems?: readonly ProblemName[];
}

type Read<S> = S extends z.ZodType ? z.output<S> : unknown;

export interface InputOf<O extends OperationDeclaration> {
  readonly path: Read<O['path']>;
  readonly query: Read<O['query']>;
  readonly headers: Read<O['headers']>;
  readonly body: Read<O['body']>;
  readonly correlationId: string;
  /** Parent of the spans that the operation causes. Undefined: it is not traced. */
  readonly trace: TraceParent | undefined;
  readonly caller: Caller;
}

/** Keeps the exact types of the declaration. */
export function operation<const O extends OperationDeclaration>(declaration: O): O {
  return declaration;
}

const NOTHING = z.strictObject({});
const NO_BODY = NOTHING.optional();

/**
 * Reads all input of the operation, with the customer or branch of the token where the request omits it. Throws
 * `bad-input` with every violation, or `forbidden` with everything that names another customer or branch.
 */
function readInput<O extends OperationDeclaration>(declaration: O, request: FastifyRequest): InputOf<O> {
  const { caller } = request;
  const rule = fieldRuleOf(caller, request.headers['idempotency-key']?.toString());
  const faults: Violation[] = [];
  const foreign: Violation[] = [];
  const read = (part: InputPart, schema: z.ZodType | undefined, value: unknown): unknown => {
    if (schema === undefined) return undefined;
    const result = schema.safeParse(rule === undefined ? value : withOwn(rule, schema, value));
    if (!result.success) {
      faults.push(...violationsOf(result.error, part, value));
      return undefined;
    }
    if (rule !== undefined && part !== 'header') foreign.push(...foreignFields(rule, part, result.data));
    return result.data;
  };
  const input = {
    path: read('path', declaration.path, request.params),
    query: read('query', declaration.query ?? NOTHING, request.query),
    headers: read('header', declaration.headers, request.headers),
    body: read('body', declaration.body ?? NO_BODY, request.body),
    correlationId: request.id,
    trace: request.trace?.sampled === true ? request.trace : undefined,
    caller,
  };
  if (faults.length > 0) throw problem('bad-input', { faults });
  if (foreign.length > 0) throw problem('forbidden', { faults: foreign });
  return input as InputOf<O>;
}

/** The value with the caller's own customer or branch in each field that the schema has and the value omits. */
function withOwn({ fields, own }: FieldRule, schema: z.ZodType, value: unknown): unknown {
  if (own === undefined || !(schema instanceof z.ZodObject)) return value;
  const given = value ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) return value;
  const missing = fields.filter(
    (field) => field in schema.shape && (given as Record<string, unknown>)[field] === undefined,
  );
  return missing.length === 0 ? value : { ...given, ...Object.fromEntries(missing.map((field) => [field, own])) };
}

function foreignFields({ fields, allows }: FieldRule, part: InputPart, value: unknown): Violation[] {
  if (typeof value !== 'object' || value === null) return [];
  return fields
    .filter((field) => field in value && !allows((value as Record<string, unknown>)[field]))
    .map((field) => ({ at: addressOf(part, [field]), message: 'is not of the caller' }));
}

/** Parameter of a controller's method: the request as `InputOf` the operation. */
export const Input = createParamDecorator((declaration: OperationDeclaration, context: ExecutionContext) =>
  readInput(declaration, context.switchToHttp().getRequest<FastifyRequest>()),
) as (declaration: OperationDeclaration) => ParameterDecorator;
