import { Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ApiTags } from '@nestjs/swagger';
import { customerIdSchema, headers, productPathSchema, productSchema, uuidSchema } from '@eco/contracts';
import { z } from 'zod';
import { operation } from '../http/operation.js';
import { idempotencyKeySchema } from '../http/request-headers.js';
import { openApiDocument } from './document.js';
import { Operation } from './operation.decorator.js';

const everyone = { anonymous: 'any' } as const;
const noteSchema = z.strictObject({ customerId: customerIdSchema, text: z.string().meta({ examples: ['hello'] }) });

const getProduct = operation({
  id: 'getProduct',
  summary: 'A product',
  access: everyone,
  path: productPathSchema,
  query: z.strictObject({ after: z.string().optional(), limit: z.string().transform(Number).default(5) }),
  headers: z.object({ accept: z.string().optional(), 'ecomarket-max-lag-ms': z.string().optional() }),
  examples: { after: 'azucar' },
  answers: {
    200: { description: 'It', body: productSchema, headers: [headers.lagMs], alsoAs: { 'text/csv': 'One row' } },
  },
  problems: ['product-unknown', 'no-node'],
});
const addNote = operation({
  id: 'addNote',
  summary: 'Add a note',
  access: everyone,
  headers: z.object({ 'idempotency-key': idempotencyKeySchema }),
  body: noteSchema,
  answers: {
    201: {
      description: 'Added',
      body: z.object({ noteId: uuidSchema, product: productSchema.optional().meta({ description: 'Its product' }) }),
      headers: ['Location'],
    },
  },
  problems: ['order-rejected', 'stock-short'],
});

@ApiTags('products')
@Controller('products')
class ProductsController {
  @Get(':productId')
  @Operation(getProduct)
  get(): void {}

  @Post()
  @Operation(addNote)
  add(): void {}
}
@Module({ controllers: [ProductsController] })
class TestModule {}

type Json = Readonly<Record<string, unknown>>;
let document: Json;
beforeAll(async () => {
  const app = await NestFactory.create(TestModule, new FastifyAdapter(), { logger: false });
  document = openApiDocument(app, { title: 'Test', version: '1', description: 'A test' }, 8000) as unknown as Json;
  await app.close();
});

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly example?: unknown;
  readonly required: boolean;
  readonly schema: Json;
}

/** The value under these keys. */
const at = <T = Json>(path: string): T =>
  path.split(' ').reduce<unknown>((value, key) => (value as Json)[key], document) as T;

it('states licence, servers and the meaning of tags', () => {
  expect(at('info license')).toEqual({ name: 'Apache-2.0', identifier: 'Apache-2.0' });
  expect(at<{ url: string }[]>('servers').map(({ url }) => url)).toEqual(['/', '{scheme}://{host}:{port}']);
  expect(at('servers 1 variables port default')).toBe('8000');
  expect(at('tags')).toEqual([{ name: 'products', description: expect.stringContaining('catalogue') as string }]);
});

it('names operations and schemas, and refers to a schema by its name wherever it is', () => {
  const get = at('paths /products/{productId} get');
  expect([get['operationId'], get['x-declaration']]).toEqual(['getProduct', undefined]);
  const ok = at('paths /products/{productId} get responses 200 content');
  expect(ok).toEqual({
    'application/json': { schema: { $ref: '#/components/schemas/Product' } },
    'text/csv': { schema: { type: 'string', description: 'One row' } },
  });
  expect(at('components schemas AddNoteResponse properties product')).toEqual({
    $ref: '#/components/schemas/Product',
    description: 'Its product',
  });
  expect(at('components schemas AddNoteResponse properties noteId')).toMatchObject({ type: 'string', format: 'uuid' });
  expect(at('components schemas Product properties productId')).toMatchObject({ type: 'string' });
});

it('closes requests, where a misspelled field is a violation, and leaves answers open for newer fields', () => {
  expect(at('components schemas AddNoteRequest additionalProperties')).toBe(false);
  expect(at('components schemas Product')).not.toHaveProperty('additionalProperties');
});

it('publishes only patterns that other languages read', () => {
  expect(JSON.stringify(document)).not.toMatch(/\\p\{|\(\?[!=<]/);
});

it('gives each parameter an example, except a key that must be new each time', () => {
  const parametersOf = (path: string) =>
    at<Parameter[]>(`${path} parameters`).map(({ name, in: place, example, required, schema }) => [
      name,
      place,
      example,
      required,
      schema['default'],
    ]);
  expect(parametersOf('paths /products/{productId} get')).toEqual([
    ['productId', 'path', 'cafe-premium', true, undefined],
    ['after', 'query', 'azucar', false, undefined],
    ['limit', 'query', undefined, false, 5],
    ['EcoMarket-Max-Lag-Ms', 'header', undefined, false, undefined],
  ]);
  expect(parametersOf('paths /products post')).toEqual([['Idempotency-Key', 'header', undefined, true, undefined]]);
  expect(at('paths /products post requestBody content application/json example')).toEqual({
    customerId: 'ana',
    text: 'hello',
  });
});

it('lists each problem with its members, and headers where they occur', () => {
  const conflict = at('paths /products post responses 409 content application/problem+json schema');
  expect(conflict['oneOf']).toEqual([
    { $ref: '#/components/schemas/OrderRejectedProblem' },
    { $ref: '#/components/schemas/StockShortProblem' },
  ]);
  expect(conflict['discriminator']).toMatchObject({
    propertyName: 'type',
    mapping: { 'urn:ecomarket:problem:order-rejected': '#/components/schemas/OrderRejectedProblem' },
  });
  const rejected = at('components schemas OrderRejectedProblem');
  expect(rejected['required']).toEqual(expect.arrayContaining(['type', 'short', 'unknownProducts']));
  expect(rejected['properties']).toMatchObject({ type: { const: 'urn:ecomarket:problem:order-rejected' } });
  expect(at('components schemas BadInputProblem properties faults items')).toEqual({
    $ref: '#/components/schemas/Violation',
  });
  expect(Object.keys(at('paths /products post responses'))).toEqual([
    '201',
    '400',
    '401',
    '403',
    '409',
    '413',
    '415',
    '421',
    '429',
    '500',
  ]);
  expect(Object.keys(at('paths /products/{productId} get responses'))).toEqual([
    '200',
    '400',
    '401',
    '403',
    '404',
    '421',
    '429',
    '500',
    '503',
  ]);
  const headersOf = (path: string) => Object.keys(at(`paths ${path} headers`));
  expect(headersOf('/products post responses 201')).toEqual(['X-Correlation-Id', 'Location']);
  expect(headersOf('/products post responses 401')).toEqual(['X-Correlation-Id', 'WWW-Authenticate']);
  expect(headersOf('/products/{productId} get responses 503')).toEqual(['X-Correlation-Id', 'Retry-After']);
  expect(headersOf('/products/{productId} get responses 404')).toEqual(['X-Correlation-Id', headers.lagMs]);
  expect(at('components headers Retry-After schema')).toMatchObject({ type: 'integer' });
});

it('fails if a schema would be empty', () => {
  const hidden = operation({
    id: 'hidden',
    summary: 'An answer that no client can read',
    access: everyone,
    answers: { 200: { description: 'It', body: z.object({ id: z.string().transform(() => 1) }) } },
  });
  @Controller('hidden')
  class HiddenController {
    @Get()
    @Operation(hidden)
    get(): void {}
  }
  @Module({ controllers: [HiddenController] })
  class HiddenModule {}
  return expect(
    NestFactory.create(HiddenModule, new FastifyAdapter(), { logger: false }).then((app) =>
      openApiDocument(app, { title: 'Test', version: '1', description: 'A test' }, 8000),
    ),
  ).rejects.toThrow('Transforms cannot be represented');
});
