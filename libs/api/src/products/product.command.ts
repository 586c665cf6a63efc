import { Controller, Delete, Post, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import {
  commandAcceptedSchema,
  createProductRequestSchema,
  headers as headerNames,
  productIdSchema,
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
import { changesStock } from '../http/policies.js';
import { COMMAND_PROBLEMS, responseOf, type CommandResponse } from '../http/commands/command-response.js';

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
const productVersion = z.object({ productId: productIdSchema, version: z.number().int() });

const createProduct = operation({
  id: 'createProduct',
  summary: 'Add a product, with its first units at the head office',
  access: changesStock('product.create'),
  headers: commandHeadersSchema,
  body: createProductRequestSchema,
  answers: {
    201: { description: 'Added', body: productVersion, headers: ['Location', ...DECIDED_HEADERS] },
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
  headers: commandHeadersSchema,
  body: updateProductRequestSchema,
  answers: { 200: { description: 'Changed', body: productVersion, headers: DECIDED_HEADERS }, 202: accepted },
  problems: [...reasonsOf('product.update'), ...COMMAND_PROBLEMS],
});
const deleteProduct = operation({
  id: 'deleteProduct',
  summary: 'Remove a product from the catalogue',
  description: 'Its stock stays.',
  access: changesStock('product.delete'),
  path: productPathSchema,
  headers: commandHeadersSchema,
  answers: { 202: accepted, 204: { description: 'Removed', headers: DECIDED_HEADERS } },
  problems: [...reasonsOf('product.delete'), ...COMMAND_PROBLEMS],
});

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
    return respond(201, response.result, { Location: `/products/${body.productId}`, ...response.headers });
  }

  @Put(':productId')
  @Operation(updateProduct)
  async update(@Input(updateProduct) { path, body, ...request }: InputOf<typeof updateProduct>): Promise<HttpResponse> {
    const { id, response } = await this.#submit('product.update', { ...path, ...body }, request);
    if (response.type === 'accepted') return acceptedResponse(id, response.headers);
    return respond(200, response.result, response.headers);
  }

  @Delete(':productId')
  @Operation(deleteProduct)
  async delete(@Input(deleteProduct) { path, ...request }: InputOf<typeof deleteProduct>): Promise<HttpResponse> {
    const { id, response } = await this.#submit('product.delete', path, request);
    if (response.type === 'accepted') return acceptedResponse(id, response.headers);
    return respond(204, undefined, response.headers);
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
