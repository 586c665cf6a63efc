import { z } from 'zod';

export type JsonSchema = { readonly [key: string]: unknown };

interface PublishedSchemaOptions {
  /** `input`: as a sender writes it, before transforms and defaults. `output`: as a receiver reads it. */
  readonly io: 'input' | 'output';
  /** Dialect of the document. Absent: 2020-12, the dialect of OpenAPI 3.1. */
  readonly target?: 'draft-2020-12' | 'draft-7';
  /** Called for each schema, inner ones first. It may change `json`. */
  readonly onSchema?: (schema: z.core.$ZodType, json: Record<string, unknown>) => void;
}

/**
 * The JSON Schema of a document for other programs. Their languages read fewer patterns than JavaScript does, and a
 * receiver must accept fields of newer senders: so other patterns are left out, and objects are not closed when they are
 * read. Throws if a schema has no JSON Schema.
 */
export function publishedSchema(schema: z.ZodType, options: PublishedSchemaOptions): JsonSchema {
  const { io, target = 'draft-2020-12', onSchema } = options;
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io,
    target,
    override: ({ zodSchema, jsonSchema }) => {
      const json = jsonSchema as Record<string, unknown>;
      withoutForeignPatterns(json);
      if (isAnything(json['additionalProperties'])) json['additionalProperties'] = true;
      if (json['additionalProperties'] === true) delete json['propertyNames'];
      if (io === 'output' && !isStrict(zodSchema)) delete json['additionalProperties'];
      onSchema?.(zodSchema, json);
    },
  }) as Record<string, unknown>;
  return rest;
}

/**
 * Whether other languages read the pattern as JavaScript does. Python has no `\p{…}`, JavaScript has it only with the
 * flag u, which JSON Schema does not require, and RE2 (Go, Rust) has no lookaround.
 */
export function isPortablePattern(pattern: string): boolean {
  return !/\\[pPuk]|\(\?(?!:)/.test(pattern);
}

/** A text with several patterns has them in `allOf`. */
function withoutForeignPatterns(json: Record<string, unknown>): void {
  if (typeof json['pattern'] === 'string' && !isPortablePattern(json['pattern'])) delete json['pattern'];
  if (!Array.isArray(json['allOf'])) return;
  const all = (json['allOf'] as JsonSchema[]).filter(
    ({ pattern }) => typeof pattern !== 'string' || isPortablePattern(pattern),
  );
  if (all.length > 0) json['allOf'] = all;
  else delete json['allOf'];
}

function isAnything(json: unknown): boolean {
  return typeof json === 'object' && json !== null && Object.keys(json).length === 0;
}

/** Whether an object states itself which other fields it may have. */
function isStrict(schema: z.core.$ZodType): boolean {
  const { def } = schema._zod as unknown as { readonly def: { readonly type: string; readonly catchall?: unknown } };
  return def.type !== 'object' || def.catchall !== undefined;
}
