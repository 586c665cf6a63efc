import { headers, PROBLEM_URN, problemSchemaOf, problemTypes, type JsonSchema, type ProblemName } from '@eco/contracts';
import type { OperationDeclaration } from '../http/operation.js';
import { responseHeaders } from './response-headers.js';
import { capital, componentReference, documentSchema } from './schemas.js';

/** Problems that every operation can have. */
const OF_ALL = [
  'bad-input',
  'unauthenticated',
  'forbidden',
  'misdirected',
  'too-many-requests',
  'internal',
] as const satisfies readonly ProblemName[];
/** In addition, if it changes something. A POST needs a media type or a key also without a body. */
const OF_CHANGES = ['cross-site', 'unsupported-media-type'] as const satisfies readonly ProblemName[];
/** In addition, if the request has a body. */
const OF_BODIES = ['malformed-json', 'body-too-large'] as const satisfies readonly ProblemName[];

/** Headers that a problem has in common with the answers of its operation. */
const SHARED: readonly string[] = [
  headers.position,
  headers.source,
  headers.lagMs,
  headers.preferenceApplied,
  headers.idempotentReplayed,
];
/** Statuses of problems that state what a node or a writer has decided. */
const DECIDED: readonly number[] = [403, 404, 409, 410, 422, 500];
/** Headers of the problems of a status. */
const ofStatus: Readonly<Record<number, readonly string[]>> = {
  401: ['WWW-Authenticate'],
  429: [headers.retryAfter],
  503: [headers.retryAfter],
  504: ['Location'],
};

/** Responses of an operation that are problems, by status. The member `type` distinguishes the problems of a status. */
export function problemResponses(method: string, { body, answers, problems = [] }: OperationDeclaration) {
  const changes = method === 'get' ? [] : OF_CHANGES;
  const names = [...new Set([...OF_ALL, ...changes, ...(body === undefined ? [] : OF_BODIES), ...problems])];
  const declared = new Set(Object.values(answers).flatMap((answer) => answer.headers ?? []));
  const shared = SHARED.filter((name) => declared.has(name));
  const statuses = new Set(names.map((name) => problemTypes[name].status));
  return Object.fromEntries(
    [...statuses].map((status) => {
      const sent = [...(DECIDED.includes(status) ? shared : []), ...(ofStatus[status] ?? [])];
      return [
        status,
        problemResponse(
          names.filter((name) => problemTypes[name].status === status),
          sent,
        ),
      ];
    }),
  );
}

function problemResponse(names: readonly ProblemName[], sent: readonly string[]): object {
  return {
    description: names.map((name) => `\`${name}\`: ${problemTypes[name].title}`).join('\n\n'),
    headers: responseHeaders(sent),
    content: { 'application/problem+json': { schema: oneOf(names) } },
  };
}

function oneOf(names: readonly ProblemName[]): object {
  const schemas = names.map(schemaOf);
  if (schemas.length === 1) return schemas[0] as object;
  const mapping = Object.fromEntries(
    names.map((name) => [`${PROBLEM_URN}${name}`, componentReference(componentNameOf(name))]),
  );
  return { oneOf: schemas, discriminator: { propertyName: 'type', mapping } };
}

function schemaOf(name: ProblemName): JsonSchema {
  let schema = schemas.get(name);
  if (schema === undefined) {
    schema = documentSchema(problemSchemaOf(name), 'output', componentNameOf(name));
    schemas.set(name, schema);
  }
  return schema;
}
/** Almost every operation has the same problems. */
const schemas = new Map<ProblemName, JsonSchema>();

/** Name of the schema: `order-rejected` is `OrderRejectedProblem`. */
function componentNameOf(name: ProblemName): string {
  return `${name.split('-').map(capital).join('')}Problem`;
}
