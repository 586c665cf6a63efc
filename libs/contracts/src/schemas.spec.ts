import { z } from 'zod';
import * as contracts from './index.js';

const schemas: [string, z.ZodType][] = [
  ...Object.entries<unknown>(contracts).filter((entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType),
  ...Object.entries<z.ZodType>(contracts.commandSchemas),
  ...Object.entries<z.ZodType>(contracts.changeData),
];

describe('schemas', () => {
  it('are more than a few, so that the tests below check something', () => {
    expect(schemas.length).toBeGreaterThan(50);
  });

  // ASVS 5.0: 2.1.1
  it.each(schemas)('%s has a JSON Schema, which documents and the router need', (_, schema) => {
    expect(z.toJSONSchema(schema, { target: 'draft-7', io: 'input' })).toBeInstanceOf(Object);
  });

  it.each(schemas.flatMap(([name, schema]) => examplesOf(schema).map((example) => [name, example, schema] as const)))(
    '%s accepts its example %j',
    (_, example, schema) => {
      expect(schema.safeParse(example).error).toBeUndefined();
    },
  );
});

function examplesOf(schema: z.ZodType): unknown[] {
  const examples = schema.meta()?.examples;
  return Array.isArray(examples) ? (examples as unknown[]) : [];
}
