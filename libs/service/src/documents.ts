import type { INestApplication } from '@nestjs/common';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { OPEN } from './http/authorization.js';
import { openApiDocument, type Api } from './open-api/document.js';

/** A process's description of its API. */
export interface Documents {
  /**
   * Serves the API document at `/docs` for people and `/docs-json` for programs, and states at `/` where to find it.
   */
  readonly api?: Api;
  /** Further documents by path, such as `/docs/asyncapi.json`. */
  readonly documents?: Readonly<Record<string, () => object>>;
}

/**
 * Adds a document. It does not change while the process runs and may take 30 ms to render, so it is rendered once, when
 * it is first read.
 */
function addDocument(fastify: FastifyInstance, path: string, render: () => object): void {
  let text: string | undefined;
  fastify.get(path, OPEN, (_request, reply) =>
    reply.type('application/json; charset=utf-8').send((text ??= JSON.stringify(render()))),
  );
}

export function addDocumentRoutes(fastify: FastifyInstance, name: string, { api, documents = {} }: Documents): void {
  for (const [path, document] of Object.entries(documents)) addDocument(fastify, path, document);
  if (api === undefined) return;
  const { title, version } = api;
  fastify.get('/', OPEN, () => ({
    name,
    title,
    version,
    documents: ['/docs', '/docs-json', ...Object.keys(documents)],
  }));
}

/** `port`: of the listener for clients. */
export function addApiDocument(app: INestApplication, fastify: FastifyInstance, api: Api, port: number): void {
  let document: OpenAPIObject | undefined;
  const rendered = () => (document ??= openApiDocument(app, api, port));
  SwaggerModule.setup('docs', app, rendered, { customSiteTitle: api.title, raw: false });
  addDocument(fastify, '/docs-json', rendered);
}
