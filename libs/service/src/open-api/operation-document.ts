import { headers as headerNames } from '@eco/contracts';
import type { Access } from '@eco/access';
import type { z } from 'zod';
import type { AnswerDeclaration, OperationDeclaration } from '../http/operation.js';
import { exampleOf } from './examples.js';
import { problemResponses } from './problem-document.js';
import { responseHeaders } from './response-headers.js';
import { capital, documentSchema } from './schemas.js';

/** Name of the security scheme in the API document. */
export const BEARER_AUTH = 'bearerAuth';
/** The member of an operation in the API document that states its `Access`. */
const ACCESS_EXTENSION = 'x-access';

/** The operation as an Operation Object of OpenAPI 3.1, without its tags. */
export function operationDocument(method: string, declaration: OperationDeclaration) {
  const { id, summary, description, access, path, query, headers, body, examples, answers } = declaration;
  const statuses = Object.keys(answers).map(Number);
  const bodyName = (status: number) => `${capital(id)}Response${statuses.length > 1 ? status : ''}`;
  return {
    operationId: id,
    summary,
    ...(description !== undefined && { description }),
    security: securityOf(access),
    [ACCESS_EXTENSION]: access,
    parameters: [
      ...parameters('path', path, examples),
      ...parameters('query', query, examples),
      ...parameters('header', headers),
    ],
    ...(body && { requestBody: requestBody(method, body, `${capital(id)}Request`) }),
    responses: {
      ...Object.fromEntries(
        statuses.map((status) => [status, answerOf(answers[status] as AnswerDeclaration, bodyName(status))]),
      ),
      ...problemResponses(method, declaration),
    },
  };
}

/** Alternatives of an operation's security. An empty one means that the operation also works without a token. */
function securityOf({ anonymous }: Access): Record<string, string[]>[] {
  return [{ [BEARER_AUTH]: [] }, ...(anonymous === undefined ? [] : [{}])];
}

/**
 * Each property of an object schema as a parameter. The media type of a response is chosen by `Accept`, which is no
 * parameter in OpenAPI: the responses list their types.
 */
function parameters(
  place: 'path' | 'query' | 'header',
  schema: z.ZodObject | undefined,
  examples: OperationDeclaration['examples'] = {},
): object[] {
  if (schema === undefined) return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>)
    .filter(([name]) => place !== 'header' || name !== 'accept')
    .map(([name, each]) => {
      const { description, examples: _, ...json } = documentSchema(each, 'input');
      const absent = each.safeParse(undefined);
      const example = examples[name] ?? exampleOf(each);
      return {
        name: place === 'header' ? headerNamed(name) : name,
        in: place,
        required: !absent.success,
        ...(description !== undefined && { description }),
        schema: { ...withoutTextRules(json), ...(isScalar(absent.data) && { default: absent.data }) },
        ...(example !== undefined && { example }),
      };
    });
}

/** A number is read from a text, whose pattern is not one of numbers. */
function withoutTextRules(json: Readonly<Record<string, unknown>>): object {
  if (json['type'] !== 'integer') return json;
  const { pattern, ...rest } = json;
  return rest;
}

/** A header in its usual spelling. */
function headerNamed(name: string): string {
  return Object.values(headerNames).find((known) => known.toLowerCase() === name) ?? name;
}

function requestBody(method: string, schema: z.ZodType, name: string) {
  const example = exampleOf(schema);
  const content = { schema: documentSchema(schema, 'input', name), ...(example !== undefined && { example }) };
  return {
    required: !schema.safeParse(undefined).success,
    content: {
      'application/json': content,
      ...(method === 'patch' && { 'application/merge-patch+json': content }),
    },
  };
}

function answerOf({ description, body, alsoAs = {}, headers = [] }: AnswerDeclaration, name: string) {
  const content = {
    ...(body && { 'application/json': { schema: documentSchema(body, 'output', name) } }),
    ...Object.fromEntries(
      Object.entries(alsoAs).map(([type, what]) => [type, { schema: { type: 'string', description: what } }]),
    ),
  };
  return { description, headers: responseHeaders(headers), ...(Object.keys(content).length > 0 && { content }) };
}

function isScalar(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}
