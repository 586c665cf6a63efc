import { asyncApiDocument } from './asyncapi.js';
import { changeTypeSchema } from './changes.js';
import { commandKinds, idFieldsOf, type CommandKind } from './commands.js';
import { VHOST } from './exchanges.js';

interface Schema {
  description?: string;
  properties: Record<string, { items: { oneOf: { $ref: string }[] } }>;
}
interface Server {
  security: unknown[];
}
const document = asyncApiDocument() as unknown as {
  components: { schemas: Record<string, Schema> };
  servers: Record<string, Server>;
  channels: object;
};
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

  it('gives every field of every message a meaning', () => {
    const nameless: string[] = [];
    const look = (value: unknown, place: string): void => {
      if (typeof value !== 'object' || value === null) return;
      const { properties } = value as { properties?: Record<string, { description?: string; $ref?: string }> };
      for (const [name, field] of Object.entries(properties ?? {})) {
        if (field.description === undefined && field.$ref === undefined) nameless.push(`${place}/${name}`);
      }
      for (const [key, each] of Object.entries(value)) look(each, `${place}/${key}`);
    };
    look(document.components, '');
    expect(nameless).toEqual([]);
  });

  it('names servers with their virtual host, and how programs log in', () => {
    const { servers, channels } = document;
    expect(servers['brokers']).toMatchObject({ protocol: 'amqp', pathname: `/${VHOST}` });
    expect(servers['brokers']?.security).toEqual([{ $ref: '#/components/securitySchemes/brokerUser' }]);
    expect(JSON.stringify(channels)).toContain('ecomarket.events');
  });

  it('says of each command who may send it, and which rules its schema can not state', () => {
    for (const kind of Object.keys(commandKinds) as CommandKind[]) {
      const { description = '' } = schemas[kind] ?? {};
      expect(description).toMatch(/^Internal\. Sent by .* only/);
      for (const field of idFieldsOf(kind)) expect(description).toContain(`body.${field}`);
    }
    expect(schemas['order.place']?.description).toContain('No two lines name the same product');
  });
});
