import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  cartQuerySchema,
  cartSchema,
  customerPathSchema,
  headers as headerNames,
  productIdSchema,
} from '@eco/contracts';
import { respond, Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { notAPlace } from '../http/page.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readsCart } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { readOfCustomer } from '../customers/spellings.js';
import { CartStamps } from './cart-stamps.js';
import { cartProductsQuery, cartQuery, type CartProductRow } from './cart.query.js';

const getCart = operation({
  id: 'getCart',
  summary: "A customer's cart",
  description: 'By product id. Empty for a customer who never added anything. A cart has at most 200 products.',
  access: readsCart,
  path: customerPathSchema,
  query: cartQuerySchema,
  examples: { after: 'cafe-premium' },
  headers: readHeadersSchema,
  answers: {
    200: {
      description: 'Its items at current prices',
      body: cartSchema,
      headers: [...READ_ANSWER_HEADERS, headerNames.stamp],
    },
  },
  problems: [...READ_PROBLEMS],
});

@ApiTags('carts')
@Controller('carts')
export class CartController {
  constructor(
    private readonly reads: Reads,
    private readonly stamps: CartStamps,
  ) {}

  @Get(':customerId/items')
  @Operation(getCart)
  async get(@Input(getCart) { path, query, headers }: InputOf<typeof getCart>): Promise<HttpResponse> {
    const options = readOptionsOf(headers);
    const { after = '', limit } = query;
    if (after !== '' && !productIdSchema.safeParse(after).success) throw notAPlace('a product id');
    const values = [after, limit + 1];
    const {
      customerId,
      rows: found,
      extra,
      source,
    } = await readOfCustomer(
      path.customerId,
      'path.customerId',
      async (id) => ({ customerId: id, ...answered(await this.reads.ofKey(id, cartQuery, [id, ...values], options)) }),
      (read) => read.rows.length > 0 || read.extra.highest_stamp !== null,
    );

    const rows = found.slice(0, limit);
    const next = found.length > limit ? (rows.at(-1)?.product_id ?? null) : null;

    // A cart is routed by its customer, each product by itself: products of other groups are queried there.
    const elsewhere = new Map<string, string[]>();
    for (const { product_id } of rows) {
      const group = this.reads.groupOf(product_id) ?? source.group;
      if (group !== source.group) elsewhere.set(group, [...(elsewhere.get(group) ?? []), product_id]);
    }
    const others = await Promise.all(
      [...elsewhere].map(async ([group, productIds]) =>
        answered(await this.reads.ofGroup(group, cartProductsQuery, [productIds], options)),
      ),
    );
    const products = new Map<string, CartProductRow>(
      others.flatMap((other) => other.rows).map((row) => [row.product_id, row]),
    );
    const items = rows.map((row) => ({
      productId: row.product_id,
      quantity: row.quantity,
      name: row.name ?? products.get(row.product_id)?.name ?? null,
      unitPriceCents: row.price_cents ?? products.get(row.product_id)?.price_cents ?? null,
    }));
    return respond(
      200,
      { customerId, items, next },
      {
        ...headersOf([source, ...others.map((other) => other.source)], options),
        ...this.#stampOf(customerId, extra.highest_stamp),
      },
    );
  }

  /**
   * Commands from this process get later stamps than the cart shows; a client's commands get later stamps than it
   * sends.
   */
  #stampOf(customerId: string, stamp: string | null): Record<string, string> {
    if (stamp === null) return {};
    this.stamps.noteStamp(customerId, stamp);
    return { [headerNames.stamp]: stamp };
  }
}
