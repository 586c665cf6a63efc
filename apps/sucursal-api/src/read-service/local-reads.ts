import type { FastifyRequest } from 'fastify';
import { reachesObject } from '@eco/access';
import { retryAfter } from '@eco/api/reads';
import type { BackOrder, BranchDatabase, ProductRow } from '@eco/branch';
import {
  CENTRAL,
  headers as headerNames,
  LAG_UNKNOWN,
  orderPathSchema,
  productPathSchema,
  productsQuerySchema,
  transferPathSchema,
  PAGE_ROWS_DEFAULT,
} from '@eco/contracts';
import { parsePosition } from '@eco/routing';
import { problem, respond, type HttpResponse } from '@eco/service';
import { pageOfRows } from '../till/page-of-rows.js';

/** Freshness of what the branch alone decides. */
export function localHeaders(branchId: string, lag = '0'): Record<string, string> {
  return { [headerNames.source]: `${branchId} (branch)`, [headerNames.lagMs]: lag };
}

/**
 * Answers reads from the branch's own database while no read-service answers: the catalogue, the branch's stock, its
 * orders and transfers, as of the last contact. A request that demands a freshness is not answered here.
 */
export class LocalReads {
  readonly #database: BranchDatabase;
  readonly #answers: Readonly<Record<string, (request: FastifyRequest) => HttpResponse | undefined>>;

  constructor(database: BranchDatabase) {
    this.#database = database;
    this.#answers = {
      '/orders/:orderId': (request) => this.#order(request),
      '/products': (request) => this.#products(request),
      '/products/:productId': (request) => this.#product(request),
      '/inventory/:productId': (request) => this.#stock(request),
      '/transfers/:transferId': (request) => this.#transfer(request),
    };
  }

  /** Undefined: only the head office can answer. */
  answer(request: FastifyRequest): HttpResponse | undefined {
    const answer = this.#answers[request.routeOptions.url ?? ''];
    return answer === undefined || demandsFreshness(request) ? undefined : answer(request);
  }

  get #copied(): Record<string, string> {
    return localHeaders(this.#database.branchId, LAG_UNKNOWN);
  }

  #order({ params, caller }: FastifyRequest): HttpResponse | undefined {
    const { data: path } = orderPathSchema.safeParse(params);
    const order = path && this.#database.backOrders.order(path.orderId);
    // The change of a rejected order that the branch did not keep states only the short lines.
    if (order === undefined || order.lines.length === 0) return undefined;
    const { branchId } = this.#database;
    if (!reachesObject(caller, { customerId: order.customerId, branchIds: [branchId] })) throw problem('order-unknown');
    const { orderId } = order;
    if (order.status === 'waiting') {
      return respond(202, { orderId, status: 'pending' }, { ...this.#copied, ...retryAfter });
    }
    return respond(200, orderBody(order, branchId), this.#copied);
  }

  #products({ query, headers }: FastifyRequest): HttpResponse | undefined {
    const { data } = productsQuerySchema.safeParse(query);
    if (data === undefined || headers.accept?.includes('text/csv') === true) return undefined;
    const { limit = PAGE_ROWS_DEFAULT, after, name } = data;
    const rows = this.#database.catalogue.products({ limit: limit + 1, after, name });
    return respond(
      200,
      pageOfRows(rows, limit, ({ productId }) => productId, productBody),
      this.#copied,
    );
  }

  #product({ params }: FastifyRequest): HttpResponse | undefined {
    const { data: path } = productPathSchema.safeParse(params);
    const product = path && this.#database.catalogue.product(path.productId);
    return product === undefined || product.isDeleted ? undefined : respond(200, productBody(product), this.#copied);
  }

  #stock({ params, caller }: FastifyRequest): HttpResponse | undefined {
    const { branchId } = this.#database;
    const { data: path } = productPathSchema.safeParse(params);
    const row = path && this.#database.catalogue.quota(path.productId);
    // A customer asks for the units of the head office, which the branch does not know.
    if (row === undefined || !reachesObject(caller, { branchIds: [branchId] })) return undefined;
    const { productId, remaining } = row;
    const level = { productId, location: branchId, onHand: remaining, reserved: 0, available: remaining };
    return respond(200, { productId, levels: [level] }, localHeaders(branchId));
  }

  #transfer({ params, caller }: FastifyRequest): HttpResponse | undefined {
    const { branchId } = this.#database;
    const { data: path } = transferPathSchema.safeParse(params);
    const transfer = path && this.#database.units.transfer(path.transferId);
    if (transfer === undefined || !reachesObject(caller, { branchIds: [branchId] })) return undefined;
    const { transferId, productId, quantity, status, at } = transfer;
    const body = {
      ...{ transferId, productId, from: CENTRAL, to: branchId, quantity },
      status: status === 'expected' ? 'sent' : 'arrived',
      ...{ sentAt: at, arrivedAt: null, writtenOffAt: null, reason: null },
    };
    return respond(200, body, this.#copied);
  }
}

/** A reader that has seen a group's batch, or that limits the lag, must not get older data. */
function demandsFreshness({ headers }: FastifyRequest): boolean {
  const position = headers[headerNames.position.toLowerCase()]?.toString();
  if (headers[headerNames.lagMsMax.toLowerCase()] !== undefined) return true;
  if (position === undefined) return false;
  const parsed = parsePosition(position);
  return !parsed.ok || parsed.position.groups.length > 0;
}

function productBody({ productId, name, priceCents, taxBasisPoints, version }: ProductRow) {
  return { productId, name, priceCents, taxBasisPoints, version };
}

function orderBody(order: BackOrder, branchId: string) {
  const { orderId, customerId, status, placedAt, decidedAt } = order;
  const decision = (order.decision ?? {}) as Readonly<Record<string, unknown>>;
  return {
    ...{ orderId, customerId, branchId, status },
    lines: decision['lines'] ?? order.lines,
    totalCents: decision['totalCents'] ?? 0,
    short: decision['short'] ?? [],
    unknownProducts: decision['unknownProducts'] ?? [],
    ...{ placedAt, decidedAt: decidedAt ?? placedAt },
    reservationId: decision['reservationId'] ?? null,
    endedAt: status === 'cancelled' || status === 'fulfilled' ? decidedAt : null,
    returned: decision['returned'] ?? [],
  };
}
