import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import * as contracts from '@eco/contracts';
import { publishedSchema, type JsonSchema } from '@eco/contracts';

/*
 * Schemas of the API document. A schema of the contracts has the name of its export there: `orderSchema` is `Order`. An
 * operation carries its schemas whole, each named one with a mark. The document replaces the marked ones by references,
 * because only it knows which of them its operations use.
 */

const names = new Map<unknown, string>(
  Object.entries<unknown>(contracts).flatMap(([name, schema]) =>
    isStructure(schema) ? [[schema, capital(name.replace(/Schema$/, ''))]] : [],
  ),
);

/** The schema of a request (`input`) or response (`output`). `name`: its name if it has none. */
export function documentSchema(schema: z.ZodType, io: 'input' | 'output', name?: string): JsonSchema {
  return publishedSchema(schema, {
    io,
    onSchema: (each, json) => {
      const own = names.get(each) ?? (each === schema && isStructure(schema) ? name : undefined);
      if (own !== undefined) json[MARK] = { name: own, annotations: annotationsOf(json) } satisfies Mark;
    },
  });
}

const MARK = 'x-component';

interface Mark {
  readonly name: string;
  /** Annotations of the schema itself. A field that has the schema may have others. */
  readonly annotations: JsonSchema;
}

const ANNOTATIONS = ['title', 'description', 'default', 'examples'];

function annotationsOf(json: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(json).filter(([key]) => ANNOTATIONS.includes(key)));
}

/** The value with references for the marked schemas in it. `components` gets these schemas. */
export function withReferences(value: unknown, components: Record<string, unknown>): unknown {
  const done = new Map<object, unknown>();
  const referred = (each: unknown): unknown => {
    if (typeof each !== 'object' || each === null) return each;
    // Operations share the schemas of their problems.
    if (!done.has(each)) done.set(each, Array.isArray(each) ? each.map(referred) : referredObject(each as JsonSchema));
    return done.get(each);
  };
  const referredObject = ({ [MARK]: mark, ...rest }: JsonSchema): unknown => {
    const inner = Object.fromEntries(Object.entries(rest).map(([key, each]) => [key, referred(each)]));
    if (mark === undefined) return inner;
    const { name, annotations } = mark as Mark;
    addComponent(components, name, { ...withoutAnnotations(inner), ...annotations });
    return { $ref: componentReference(name), ...annotationsBeyond(inner, annotations) };
  };
  return referred(value);
}

function addComponent(components: Record<string, unknown>, name: string, schema: JsonSchema): void {
  if (components[name] !== undefined && !isDeepStrictEqual(components[name], schema)) {
    throw new Error(`the schema ${name} has two forms: name the request and the response differently`);
  }
  components[name] = schema;
}

function withoutAnnotations(json: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(json).filter(([key]) => !ANNOTATIONS.includes(key)));
}

/** Annotations of a field that the schema itself has not. */
function annotationsBeyond(json: JsonSchema, own: JsonSchema): JsonSchema {
  return Object.fromEntries(
    Object.entries(annotationsOf(json)).filter(([key, value]) => !isDeepStrictEqual(value, own[key])),
  );
}

export function componentReference(name: string): string {
  return `#/components/schemas/${name}`;
}

/** Objects and their alternatives have names. Others, such as ids, are short where they are used. */
function isStructure(schema: unknown): schema is z.ZodType {
  return schema instanceof z.ZodObject || schema instanceof z.ZodUnion || schema instanceof z.ZodDiscriminatedUnion;
}

export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
