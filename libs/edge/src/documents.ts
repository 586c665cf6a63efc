import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { problemSchema } from '@eco/contracts';

export interface Api {
  readonly title: string;
  readonly version: string;
  readonly description: string;
}

/** The API in OpenAPI 3.1, out of the declared operations. */
export function openApiDocument(app: INestApplication, api: Api): OpenAPIObject {
  const about = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle(api.title)
    .setVersion(api.version)
    .setDescription(api.description)
    .build();
  const document = SwaggerModule.createDocument(app, about);
  const { $schema, ...problem } = z.toJSONSchema(problemSchema) as Record<string, unknown>;
  return {
    ...document,
    components: { ...document.components, schemas: { ...document.components?.schemas, Problem: problem } },
  };
}

/** People read it at `/docs`, programs at `/docs-json`. */
export function addDocuments(app: INestApplication, api: Api): void {
  SwaggerModule.setup('docs', app, openApiDocument(app, api), { customSiteTitle: api.title });
}
