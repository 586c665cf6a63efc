import { z } from 'zod';

/**
 * A value that the schema accepts, for forms and documents: its own example, or one that is built from those of its
 * parts. Undefined: there is none.
 */
export function exampleOf(schema: z.ZodType): unknown {
  const example = (schema.meta()?.examples as unknown[] | undefined)?.[0] ?? builtExample(schema);
  // A number in a query is read from a text.
  return [example, String(example)].some((each) => schema.safeParse(each).success) ? example : undefined;
}

function builtExample(schema: z.ZodType): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return exampleOf(schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodPipe) return exampleOf(schema.in as z.ZodType);
  if (schema instanceof z.ZodLiteral) return [...schema.values][0];
  if (schema instanceof z.ZodEnum) return schema.options[0];
  if (schema instanceof z.ZodBoolean) return false;
  if (schema instanceof z.ZodArray) return [exampleOf(schema.element as z.ZodType)];
  if (schema instanceof z.ZodObject) {
    const members = Object.entries(schema.shape as Record<string, z.ZodType>).map(([key, each]) => [
      key,
      exampleOf(each),
    ]);
    return Object.fromEntries(members.filter(([, value]) => value !== undefined)) as unknown;
  }
  return undefined;
}
