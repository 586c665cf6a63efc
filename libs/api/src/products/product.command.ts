import { Controller, Delete, Patch, Post, Put } from '@nestjs/common';
import { ApiConsumes, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import {
  commandAcceptedSchema,
  createProductRequestSchema,
  patchProductRequestSchema,
  headers as headerNames,
  productIdSchema,
  productCreatedSchema,
  productPathSchema,
  updateProductRequestSchema,
  reasonsOf,
  type CommandBody,
} from '@eco/contracts';
import { respond, Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import { acceptedResponse } from '../http/commands/accepted.js';
import {
  commandHeadersSchema,
  DECIDED_HEADERS,
  requesterOf,
  type CommandInput,
} from '../http/commands/command-headers.js';
import { etagOf, ifMatchSchema } from '../http/if-match.js';
import { changesStock } from '../http/policies.js';
import {
  COMMAND_PROBLEMS,
  responseOf,
  type CommandResponse,
  type DoneResponse,
} from '../http/commands/command-response.js';

/**
 * Clients that change the catalogue want to know the result, so these requests wait by default, s. Without load a
 * product command is decided within tens of ms. Products have their own queue, so no backlog of orders delays them.
 */
const WAIT_SECONDS = 5;

const accepted = {
  description: 'Accepted; the decision was not known when the wait was over. Query `Location` later',
  body: commandAcceptedSchema,
  headers: ['Location', headerNames.preferenceApplied],
};
const conditionalHeadersSchema = commandHeadersSchema.extend({ 'if-match': ifMatchSchema.optional() });
const changed = {
  description: 'Changed',
  body: z.object({ productId: productIdSchema, version: z.number().int() }),
  headers: [headerNames.etag, ...DECIDED_HEADERS],
};

const createProduct = operation({
  id: 'createProduct',
  summary: 'Add a product, with its first units at the head office',
  description:
    'A product that was removed keeps its units. If it is added again, the first units are added to them, and `level` ' +
    'is the result.',
  access: changesStock('product.create'),
  headers: commandHeadersSchema,
  body: createProductRequestSchema,
  answers: {
    201: {
      description: 'Added',
      body: productCreatedSchema,
      headers: ['Location', headerNames.etag, ...DECIDED_HEADERS],
    },
    202: accepted,
  },
  problems: [...reasonsOf('product.create'), ...COMMAND_PROBLEMS],
});
const updateProduct = operation({
  id: 'updateProduct',
  summary: 'Change name, price and tax rate of a product',
  description: 'Orders decided earlier keep their price.',
  access: changesStock('product.update'),
  path: productPathSchema,
  headers: conditionalHeadersSchema,
  body: updateProductRequestSchema,
  answers: { 200: changed, 202: accepted },
  problems: [...reasonsOf('product.update'), ...COMMAND_PROBLEMS],
});
const patchProduct = operation({
  id: 'patchProduct',
  summary: 'Change some fields of a product',
  description:
    'A merge patch (RFC 7396): the fields that it names change, and no other does. `taxBasisPoints: null` returns to ' +
    "the chain's default rate. Orders decided earlier keep their price.",
  access: changesStock('product.update'),
  path: productPathSchema,
  headers: conditionalHeadersSchema,
  body: patchProductRequestSchema,
  answers: { 200: changed, 202: accepted },
  problems: [...reasonsOf('product.update'), ...COMMAND_PROBLEMS],
});
const deleteProduct = operation({
  id: 'deleteProduct',
  summary: 'Remove a product from the catalogue',
  description: 'Its stock stays.',
  access: changesStock('product.delete'),
  path: productPathSchema,
  headers: conditionalHeadersSchema,
  answers: { 202: accepted, 204: { description: 'Removed', headers: DECIDED_HEADERS } },
  problems: [...reasonsOf('product.delete'), ...COMMAND_PROBLEMS],
});

type ConditionalInput = CommandInput<z.output<typeof conditionalHeadersSchema>>;

function conditionOf({ headers }: ConditionalInput): { ifVersions?: number[] } {
  const versions = headers['if-match'];
  return versions === undefined ? {} : { ifVersions: versions };
}

/** The headers of a response with a product's version. */
function headersOf({ result, headers }: DoneResponse): Record<string, string> {
  return { [headerNames.etag]: etagOf(result['version']), ...headers };
}

type ProductCommand = 'product.create' | 'product.update' | 'product.delete';

@ApiTags('products')
@Controller('products')
export class ProductsWriteController {
  constructor(private readonly intake: CommandIntake) {}

  @Post()
  @Operation(createProduct)
  async create(@Input(createProduct) { body, ...request }: InputOf<typeof createProduct>): Promise<HttpResponse> {
    const { id, response } = await this.#submit('product.create', body, request);
    if (response.type === 'accepted') return acceptedResponse(id, response.headers);
    const location = { Location: `/products/${body.productId}` };
    return respond(201, response.result, { ...location, ...headersOf(response) });
  }

  @Put(':productId')
  @Operation(updateProduct)
  async update(@Input(updateProduct) { path, body, ...request }: InputOf<typeof updateProduct>): Promise<HttpResponse> {
    return this.#change({ ...path, ...body }, request);
  }

  @Patch(':productId')
  @ApiConsumes('application/merge-patch+json', 'application/json')
  @Operation(patchProduct)
  async patch(@Input(patchProduct) { path, body, ...request }: InputOf<typeof patchProduct>): Promise<HttpResponse> {
    return this.#change({ ...path, ...body }, request);
  }

  @Delete(':productId')
  @Operation(deleteProduct)
  async delete(@Input(deleteProduct) { path, ...request }: InputOf<typeof deleteProduct>): Promise<HttpResponse> {
    const { id, response } = await this.#submit('product.delete', { ...path, ...conditionOf(request) }, request);
    if (response.type === 'accepted') return acceptedResponse(id, response.headers);
    return respond(204, undefined, response.headers);
  }

  async #change(body: CommandBody<'product.update'>, request: ConditionalInput): Promise<HttpResponse> {
    const { id, response } = await this.#submit('product.update', { ...body, ...conditionOf(request) }, request);
    if (response.type === 'accepted') return acceptedResponse(id, response.headers);
    return respond(200, response.result, headersOf(response));
  }

  async #submit<K extends ProductCommand>(
    kind: K,
    body: CommandBody<K>,
    { headers, correlationId, trace, caller }: CommandInput,
  ): Promise<{ id: string; response: CommandResponse }> {
    const requester = requesterOf({ headers, caller });
    const id = this.intake.commandId(requester, kind, body.productId);
    const waitSeconds = headers.prefer ?? WAIT_SECONDS;
    const submission = await this.intake.submit({ ...requester, id, kind, body, correlationId, trace, waitSeconds });
    return { id, response: responseOf(submission, id, headers.prefer) };
  }
}
