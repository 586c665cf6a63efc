import { applyDecorators, createParamDecorator, HttpCode, type ExecutionContext } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiParam, ApiQuery, ApiResponse } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  headerDescriptions,
  headers as headerNames,
  problemTypes,
  type Violation,
  type ProblemName,
} from '@eco/contracts';
import { violationsOf, type InputPart } from './violations.js';
import { problem } from './problem.js';

/*
 * An operation is declared once: its input and its responses. `@Operation` puts it into the API document. `@Input`
 * reads path, query, headers and body of a request together. So a bad request gets all its violations, and not only
 * those of one part.
 */

interface AnswerDeclaration {
  readonly description: string;
  /** Absent: the operation takes no body. */
  readonly body?: z.ZodType;
  readonly headers?: readonly string[];
}

export interface OperationDeclaration {
  readonly summary: string;
  readonly description?: string;
  readonly path?: z.ZodObject;
  /** Absent: the operation takes no query parameters. */
  readonly query?: z.ZodObject;
  /** Keys are in lower case. Other headers are ignored. */
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** By status. A controller that returns a plain value gets the lowest status. */
  readonly answers: Readonly<Record<number, AnswerDeclaration>>;
  /** In addition to `bad-input`, which every operation can return. */
  readonly problems?: readonly ProblemName[];
}

type Read<S> = S extends z.ZodType ? z.output<S> : unknown;

export interface InputOf<O extends OperationDeclaration> {
  readonly path: Read<O['path']>;
  readonly query: Read<O['query']>;
  readonly headers: Read<O['headers']>;
  readonly body: Read<O['body']>;
  readonly correlationId: string;
}

/** Keeps the exact types of the declaration. */
export function operation<const O extends OperationDeclaration>(declaration: O): O {
  return declaration;
}

const NOTHING = z.strictObject({});
const NO_BODY = NOTHING.optional();

/** Reads all input of the operation. Throws `bad-input` with all violations. */
function readInput<O extends OperationDeclaration>(declaration: O, request: FastifyRequest): InputOf<O> {
  const faults: Violation[] = [];
  const read = (part: InputPart, schema: z.ZodType | undefined, value: unknown): unknown => {
    if (schema === undefined) return undefined;
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    faults.push(...violationsOf(result.error, part, value));
    return undefined;
  };
  const input = {
    path: read('path', declaration.path, request.params),
    query: read('query', declaration.query ?? NOTHING, request.query),
    headers: read('header', declaration.headers, request.headers),
    body: read('body', declaration.body ?? NO_BODY, request.body),
    correlationId: request.id,
  };
  if (faults.length > 0) throw problem('bad-input', { faults });
  return input as InputOf<O>;
}

/** Parameter of a controller's method that receives the request as `InputOf` the operation. */
export const Input = createParamDecorator((declaration: OperationDeclaration, context: ExecutionContext) =>
  readInput(declaration, context.switchToHttp().getRequest<FastifyRequest>()),
) as (declaration: OperationDeclaration) => ParameterDecorator;

type JsonSchema = Record<string, unknown>;

function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema;
  return rest;
}

/** Each property of an object schema as a parameter in the document. */
function parameters(schema: z.ZodObject | undefined) {
  if (schema === undefined) return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, each]) => {
    const { description, examples, ...rest } = jsonSchemaOf(each, 'input');
    return {
      name,
      required: !each.safeParse(undefined).success,
      description: description as string | undefined,
      example: (examples as unknown[] | undefined)?.[0],
      schema: rest,
    };
  });
}

function responseHeader(name: string) {
  const description = headerDescriptions[name];
  return { schema: { type: 'string' as const }, ...(description !== undefined && { description }) };
}

/** A header's name in its usual spelling. */
function inDocument(header: string): string {
  return Object.values(headerNames).find((name) => name.toLowerCase() === header) ?? header;
}

/** Place of the problem schema in the document. */
const PROBLEM_SCHEMA_REF = '#/components/schemas/Problem';

/** Puts the operation into the API document, and sets the status of a plain returned value. */
export function Operation(declaration: OperationDeclaration): MethodDecorator {
  const { summary, description, path, query, headers, body, answers } = declaration;
  const statuses = Object.keys(answers).map(Number);
  const problems: ProblemName[] = ['bad-input', ...(declaration.problems ?? [])];
  const decorators: MethodDecorator[] = [
    ApiOperation({ summary, description }),
    HttpCode(statuses[0] ?? 200),
    ...parameters(path).map((each) => ApiParam(each)),
    ...parameters(query).map((each) => ApiQuery(each)),
    ...parameters(headers).map((each) => ApiHeader({ ...each, name: inDocument(each.name) })),
    ...statuses.map((status) => answerOf(status, answers[status] as AnswerDeclaration)),
    ...[...new Set(problems.map((name) => problemTypes[name].status))].map((status) =>
      problemsOf(
        status,
        problems.filter((name) => problemTypes[name].status === status),
      ),
    ),
  ];
  if (body !== undefined) decorators.push(ApiBody({ schema: jsonSchemaOf(body, 'input') }));
  return applyDecorators(...decorators);
}

function answerOf(status: number, declaration: AnswerDeclaration): MethodDecorator {
  return ApiResponse({
    status,
    description: declaration.description,
    headers: Object.fromEntries((declaration.headers ?? []).map((name) => [name, responseHeader(name)])),
    ...(declaration.body === undefined
      ? {}
      : { content: { 'application/json': { schema: jsonSchemaOf(declaration.body, 'output') } } }),
  });
}

function problemsOf(status: number, names: readonly ProblemName[]): MethodDecorator {
  return ApiResponse({
    status,
    description: names.map((name) => `\`${name}\`: ${problemTypes[name].title}`).join('\n\n'),
    content: { 'application/problem+json': { schema: { $ref: PROBLEM_SCHEMA_REF } } },
  });
}
