import { gzipSync } from 'node:zlib';
import { BROKER_MESSAGE_BYTES_MAX, MAX_COMMANDS_PER_MESSAGE } from '@eco/contracts';

/** Content of a message that is no command. */
export interface HostileContent {
  readonly content: Buffer;
  /** Properties of the message. */
  readonly properties?: object;
  /** One text for each dead letter that it makes; equal texts make the same dead letter. Default: the content. */
  readonly letters?: readonly string[];
}

const ID = '019ac9a0-0000-7000-8000-000000000000';

/** A message with one command; `text` overrides parts of the JSON of a good order. */
function order(nonce: string, fields: object = {}, body: object = {}): string {
  const good = {
    id: ID,
    stamp: '001795521600000-00000-central.0a',
    sentBy: nonce,
    correlationId: nonce,
    kind: 'order.place',
    body: { orderId: ID, customerId: nonce, branchId: null, lines: [{ productId: 'tea', quantity: 1 }], ...body },
    ...fields,
  };
  return JSON.stringify({ version: 1, commands: [good] });
}

const text = (content: string): HostileContent => ({ content: Buffer.from(content) });
const withQuantity = (nonce: string, quantity: string) =>
  text(order(nonce, {}, { lines: [{ productId: 'tea', quantity: 'Q' }] }).replace('"Q"', quantity));

/** Contents by what is wrong with them. `nonce` makes each content unique where its form allows that. */
export const hostileContents: Readonly<Record<string, (nonce: string) => HostileContent>> = {
  nothing: () => text(''),
  'no JSON': (nonce) => text(`no JSON ${nonce}`),
  'bytes that are no UTF-8': (nonce) => ({ content: Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(nonce)]) }),
  'UTF-16': (nonce) => ({ content: Buffer.from(order(nonce), 'utf16le') }),
  'a byte order mark': (nonce) => text(`\u{feff}${order(nonce)}`),
  'half of a message': (nonce) => text(order(nonce).slice(0, -20)),
  'a text': (nonce) => text(JSON.stringify(nonce)),
  'an array': (nonce) => text(JSON.stringify([nonce])),
  'a bare command': (nonce) => text(JSON.stringify((JSON.parse(order(nonce)) as { commands: object[] }).commands[0])),
  'no version': (nonce) => text(JSON.stringify({ commands: [], nonce })),
  'a newer version': (nonce) => text(JSON.stringify({ version: 2, commands: [{ nonce }] })),
  'a version that is a text': (nonce) => text(JSON.stringify({ version: '1', commands: [{ nonce }] })),
  'commands that are no list': (nonce) => text(JSON.stringify({ version: 1, commands: { nonce } })),
  'no commands': (nonce) => text(JSON.stringify({ version: 1, commands: [], nonce })),
  'too many commands': (nonce) =>
    text(JSON.stringify({ version: 1, commands: Array(MAX_COMMANDS_PER_MESSAGE + 1).fill({ nonce }) })),
  'commands of other types': () => {
    const letters = ['null', '1', '"x"', '[]', '{}'];
    return { ...text(`{"version":1,"commands":[${letters.join()}]}`), letters };
  },
  'the greatest message, of brackets': (nonce) => text(`["${nonce}",`.padEnd(BROKER_MESSAGE_BYTES_MAX, '[')),
  'a body that is deeper than the stack': (nonce) =>
    text(order(nonce, { body: 'B' }).replace('"B"', `${'['.repeat(50_000)}${']'.repeat(50_000)}`)),
  'a hundred thousand numbers': (nonce) =>
    text(order(nonce, {}, { lines: 'L' }).replace('"L"', `[${'1,'.repeat(99_999)}1]`)),
  'thousands of unknown keys': (nonce) =>
    text(order(nonce, Object.fromEntries(Array.from({ length: 15_000 }, (_, n) => [`k${n}`, n])))),
  'a field of 200 kB': (nonce) => text(order(nonce, { note: 'x'.repeat(200_000) })),
  'thousands of lines': (nonce) =>
    text(order(nonce, {}, { lines: Array(5000).fill({ productId: 'tea', quantity: 1 }) })),
  'an infinite quantity': (nonce) => withQuantity(nonce, '1e999'),
  'a negative quantity': (nonce) => withQuantity(nonce, '-1'),
  'a part of a unit': (nonce) => withQuantity(nonce, '0.5'),
  'an id that is SQL': (nonce) => text(order(nonce, { id: `'; DROP TABLE eco.orders; -- ${nonce}` })),
  'a NUL character': (nonce) => text(order(nonce, {}, { customerId: `a\u0000${nonce}` })),
  'half of a surrogate pair': (nonce) => text(order(nonce, {}, { customerId: `a\ud800${nonce}` })),
  'an unknown kind': (nonce) => text(order(nonce, { kind: 'order.give-away' })),
  'a kind of every object': (nonce) => text(order(nonce, { kind: 'constructor' })),
  'a prototype': (nonce) =>
    text(order(nonce, { kind: 'K' }).replace('"kind":"K"', '"__proto__":{"kind":"order.place"}')),
  'a stamp that is none': (nonce) => text(order(nonce, { stamp: 'now' })),
  'a compressed message': (nonce) => ({
    content: gzipSync(order(nonce)),
    properties: { contentEncoding: 'gzip', contentType: 'application/json' },
  }),
};
