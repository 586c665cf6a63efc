import { headers, orderAcceptedSchema, orderConfirmedSchema } from '@eco/contracts';
import { respond, type HttpResponse, type OperationDeclaration } from '@eco/service';
import { formatPosition, positionOf } from '@eco/routing';
import { DECIDED_HEADERS } from './command-headers.js';
import type { CommandResponse } from './command-response.js';

/** The response to an order. It is the same whether the client sent lines or checked out a cart. */
export const orderAnswers = {
  202: {
    description:
      'Held by a majority of the brokers, or with `EcoMarket-Durability: local` by the disk of this machine until they can ' +
      'be reached; decided then. A client that reads with the given position sees it as pending',
    body: orderAcceptedSchema,
    headers: ['Location', headers.position, headers.preferenceApplied, headers.durability],
  },
  201: {
    description: 'Confirmed, with `Prefer: wait`',
    body: orderConfirmedSchema,
    headers: ['Location', ...DECIDED_HEADERS],
  },
} satisfies OperationDeclaration['answers'];

/**
 * Where a made object is. The id comes from the command's result: if the id keys were rotated since the request was first
 * sent, it is not the id of this sending.
 */
export function locationOf(noun: string, id: unknown): { readonly Location: string } {
  return { Location: `/${noun}/${String(id)}` };
}

export function orderResponse(response: CommandResponse, orderId: string): HttpResponse {
  if (response.type === 'done') {
    return respond(201, response.result, { ...locationOf('orders', response.result['orderId']), ...response.headers });
  }
  const position = formatPosition(positionOf([], [orderId]));
  const isLocal = response.headers[headers.durability] === 'local';
  return respond(
    202,
    { orderId, status: 'accepted', ...(isLocal && { promisesUnits: false }) },
    { ...locationOf('orders', orderId), ...response.headers, [headers.position]: position },
  );
}
