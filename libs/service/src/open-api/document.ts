import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { BEARER_AUTH, operationDocument } from './operation-document.js';
import { declarationOf, type ListedOperation } from './operation.decorator.js';
import { headerComponents } from './response-headers.js';
import { withReferences } from './schemas.js';
import { tagDescriptions } from './tags.js';

export interface Api {
  readonly title: string;
  readonly version: string;
  readonly description: string;
}

/** What holds for every operation. */
const CONVENTIONS = `
Requests and answers are JSON in UTF-8. Times are RFC 3339, money is in whole cents, quantities are whole units.

A request that changes something has an \`Idempotency-Key\`: a repeat under the same key has no second effect and gets the
first outcome. Choose a new key for each new request.

Errors are problems (RFC 9457): \`type\` names the problem for programs, and newer versions may have further types. A path
that is not listed here gets 404 \`not-found\`, another method of a listed path 405 \`method-not-allowed\` with \`Allow\`.
A client ignores members and headers that it does not know.`;

/** The API in OpenAPI 3.1, built from the declared operations. `port`: of the listener for clients. */
export function openApiDocument(app: INestApplication, api: Api, port: number): OpenAPIObject {
  const about = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle(api.title)
    .setVersion(api.version)
    .setDescription(`${api.description}\n${CONVENTIONS}`)
    .addServer('/', 'The origin of this document: the forms of /docs send their requests there')
    .addServer('{scheme}://{host}:{port}', 'The listener for clients', {
      scheme: { default: 'http', enum: ['http', 'https'], description: 'https if the chain has TLS' },
      host: { default: 'localhost', description: 'Host name of the process or of its load balancer' },
      port: { default: String(port), description: 'Port of the listener for clients' },
    })
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Access token of a log-in or a program' },
      BEARER_AUTH,
    )
    .build();
  const { info, ...document } = SwaggerModule.createDocument(app, about);
  const tags = new Set<string>();
  const paths = mapMembers(document.paths as unknown as Record<string, Record<string, ListedOperation>>, (operations) =>
    mapMembers(operations, (listed, method) => {
      listed.tags?.forEach((tag) => tags.add(tag));
      const declaration = declarationOf(listed);
      return declaration === undefined ? listed : { tags: listed.tags, ...operationDocument(method, declaration) };
    }),
  );
  const schemas: Record<string, unknown> = {};
  const withComponents = withReferences(paths, schemas);
  return {
    ...document,
    info: { ...info, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    tags: [...tags].sort().map((name) => ({ name, description: tagDescriptions[name] })),
    paths: withComponents,
    components: {
      ...document.components,
      headers: headerComponents(withComponents),
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  } as OpenAPIObject;
}

function mapMembers<T, R>(members: Readonly<Record<string, T>>, map: (member: T, key: string) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(members).map(([key, member]) => [key, map(member, key)]));
}
