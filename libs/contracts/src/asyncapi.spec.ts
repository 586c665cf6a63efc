import { asyncApiDocument } from './asyncapi.js';
import { changeTypeSchema } from './changes.js';
import { commandKinds } from './commands.js';

interface Schema {
  properties: Record<string, { items: { oneOf: { $ref: string }[] } }>;
}
const document = asyncApiDocument() as unknown as { components: { schemas: Record<string, Schema> } };
const { schemas } = document.components;

/** Names of the schemas that the items of a property may have. */
function itemsOf(schema: string, property: string): string[] {
  return (schemas[schema]?.properties[property]?.items.oneOf ?? []).map(({ $ref }) => $ref.split('/').at(-1) as string);
}

describe('asyncApiDocument', () => {
  it('shows each kind of command by the route that it takes', () => {
    for (const [kind, { route }] of Object.entries(commandKinds)) {
      expect(itemsOf('OrdersCommands', 'commands').includes(kind)).toBe(route === 'orders');
      expect(itemsOf('CounterCommands', 'commands').includes(kind)).toBe(route === 'counter');
      expect(itemsOf('ProductsCommands', 'commands').includes(kind)).toBe(route === 'products');
    }
  });

  it('shows each type of change with its data', () => {
    expect(itemsOf('ChangeEvent', 'changes')).toEqual(changeTypeSchema.options);
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining(changeTypeSchema.options));
  });

  it('contains no dangling reference', () => {
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path as string);
    expect(references.length).toBeGreaterThan(20);
    for (const path of references) {
      const found = path
        .split('/')
        .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], document);
      expect([path, typeof found]).toEqual([path, 'object']);
    }
  });
});
