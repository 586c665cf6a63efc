import { randomUUID } from 'node:crypto';

/**
 * The objects in every case of the generated test. They belong to one customer and one branch. Other customers and
 * branches must not reach them.
 */
export interface Planted {
  readonly customerId: string;
  /** Another customer, whose ids have another hash. */
  readonly otherCustomerId: string;
  readonly branchId: string;
  readonly productId: string;
  readonly orderId: string;
  readonly fulfilledOrderId: string;
  readonly reservationId: string;
  readonly transferId: string;
  readonly till: string;
  readonly shiftId: string;
  readonly saleId: string;
  readonly receiptNumber: string;
  readonly email: string;
}

/** A request, with the owners of its objects. */
export interface Sample {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  /** Owners that the request itself names. An outsider gets 403. */
  readonly names?: { readonly customerId?: string; readonly branchId?: string };
  /** Owners of the object that is stored under the id of the path. An outsider gets 404. */
  readonly stored?: { readonly customerId?: string; readonly branchIds?: readonly string[] };
  /** True: the request omits its customer, and only the token can add it. */
  readonly lacksCustomer?: true;
}

/** Requests by `METHOD /path`. A route without one fails the test. */
export function samplesOf(planted: Planted, unique: () => string): Readonly<Record<string, readonly Sample[]>> {
  const { customerId, branchId, productId, orderId, fulfilledOrderId, reservationId, transferId, email } = planted;
  const { till, shiftId, saleId, receiptNumber } = planted;
  const lines = [{ productId, quantity: 1 }];
  const nobody = `nobody-${unique()}`;
  const ofOrder = { stored: { customerId, branchIds: [branchId] } };
  const ofCustomer = { names: { customerId } };
  const counter = `${branchId}:till-1`;
  const cart = [
    { path: { customerId, productId }, ...ofCustomer },
    { path: { customerId: counter, productId }, names: { customerId: counter } },
  ];
  const product = { name: 'Sample', priceCents: 100 };
  // The request is invalid on purpose. A valid one could be answered with 401 or 404 for its content, like a refused
  // caller.
  const invalid = [{ body: {} }];
  return {
    'GET /products': [{}],
    'GET /products/{productId}': [{ path: { productId } }],
    'POST /products': [{ body: { productId: `p-${unique()}`, ...product } }],
    'PUT /products/{productId}': [{ path: { productId: `p-${unique()}` }, body: product }],
    'PATCH /products/{productId}': [{ path: { productId: `p-${unique()}` }, body: { priceCents: 1 } }],
    'DELETE /products/{productId}': [{ path: { productId: `p-${unique()}` } }],
    'POST /inventory/{productId}/receipts': [{ path: { productId }, body: { quantity: 1 } }],
    'POST /inventory/{productId}/adjustments': [{ path: { productId }, body: { delta: 1, reason: 'found' } }],
    'POST /inventory/{productId}/counts': [
      { path: { productId }, body: { expected: 1, counted: 1 } },
      // At a branch.
      { path: { productId }, body: { counted: 50, reason: 'counted' } },
    ],
    'POST /inventory/{productId}/give-back': [{ path: { productId }, body: { quantity: 1 } }],
    'GET /inventory': [{}, { query: { location: branchId }, names: { branchId } }],
    'GET /inventory/{productId}': [{ path: { productId } }],
    'GET /inventory/{productId}/movements': [
      { path: { productId } },
      { path: { productId }, query: { location: branchId }, names: { branchId } },
    ],
    'POST /transfers': [{ body: { productId, from: 'central', to: branchId, quantity: 1 } }],
    'GET /transfers': [{}],
    'POST /transfers/{transferId}/receive': [
      { path: { transferId }, body: { productId }, stored: { branchIds: [branchId] } },
    ],
    'POST /transfers/{transferId}/write-off': [{ path: { transferId }, body: { productId, reason: 'lost' } }],
    'GET /transfers/{transferId}': [{ path: { transferId }, stored: { branchIds: ['central', branchId] } }],
    'POST /orders': [
      { body: { customerId, lines }, ...ofCustomer },
      { body: { lines }, lacksCustomer: true },
    ],
    'GET /orders': [
      { query: { customerId }, ...ofCustomer },
      { query: { branchId, customerId }, names: { customerId, branchId } },
    ],
    'GET /orders/{orderId}': [{ path: { orderId }, ...ofOrder }],
    'POST /orders/{orderId}/cancel': [
      { path: { orderId: fulfilledOrderId }, body: { customerId }, ...ofOrder, ...ofCustomer },
    ],
    'POST /orders/{orderId}/fulfil': [{ path: { orderId }, body: { customerId }, ...ofOrder, ...ofCustomer }],
    'POST /orders/{orderId}/returns': [
      {
        path: { orderId: fulfilledOrderId },
        body: { customerId, lines, location: branchId },
        names: { customerId, branchId },
        stored: { customerId, branchIds: [branchId] },
      },
    ],
    'GET /reservations': [{}, { query: { customerId, branchId }, names: { customerId, branchId } }],
    'POST /reservations': [
      { body: { customerId, lines, ttlSeconds: 60 }, ...ofCustomer },
      { body: { lines, ttlSeconds: 60 }, lacksCustomer: true },
    ],
    'POST /reservations/{reservationId}/confirm': [
      { path: { reservationId }, body: { customerId }, ...ofOrder, ...ofCustomer },
    ],
    'POST /reservations/{reservationId}/release': [
      { path: { reservationId }, body: { customerId }, ...ofOrder, ...ofCustomer },
    ],
    'GET /reservations/{reservationId}': [{ path: { reservationId }, ...ofOrder }],
    'PUT /carts/{customerId}/items/{productId}': cart.map((each) => ({ ...each, body: { quantity: 1 } })),
    'DELETE /carts/{customerId}/items/{productId}': cart,
    'DELETE /carts/{customerId}/items': cart,
    'GET /carts/{customerId}/items': cart,
    'POST /carts/{customerId}/checkout': cart,
    'POST /customers': [{ body: { name: 'Sample', email: `${unique()}@example.com` } }],
    'GET /customers': [{}],
    'POST /customers/search': [{ body: { email } }],
    'GET /customers/{customerId}': [
      { path: { customerId }, names: { customerId }, stored: { customerId, branchIds: [branchId] } },
    ],
    'PATCH /customers/{customerId}': [
      { path: { customerId }, body: { name: 'Sample' }, names: { customerId }, stored: { customerId } },
    ],
    // Other cases need the planted customer. A customer erases itself in erasure.spec.ts.
    'DELETE /customers/{customerId}': [{ path: { customerId: nobody }, names: { customerId: nobody } }],
    'GET /commands/{commandId}': [{ path: { commandId: orderId }, stored: { customerId } }],
    'POST /tills': [{ body: { till: unique(), name: 'Sample' } }],
    'GET /tills': [{}],
    'POST /shifts': [{ body: { till } }],
    'GET /shifts': [{}],
    'GET /shifts/{shiftId}': [{ path: { shiftId } }],
    'POST /shifts/{shiftId}/close': [{ path: { shiftId }, body: { countedCents: 0 } }],
    'POST /sales': [{ body: { till, lines, payment: { card: {} } } }],
    'GET /sales': [{}],
    'GET /sales/stats': [{}],
    'GET /sales/{saleId}': [{ path: { saleId }, stored: { branchIds: [branchId] } }],
    'POST /sales/{saleId}/void': [{ path: { saleId }, body: { reason: 'wrong' } }],
    'POST /returns': [{ body: { till, saleId, lines, reason: 'broken' } }],
    'GET /receipts/{number}': [{ path: { number: receiptNumber } }],
    'POST /receipts/{number}/print': [{ path: { number: receiptNumber } }],
    'GET /status': [{}],
    'GET /statistics/sales': [{}, { query: { branchId }, names: { branchId } }],
    'GET /statistics/daily': [{}],
    'GET /notifications': [{}],
    'GET /changes': [{ query: { topic: 'orders' } }],
    'GET /replication': [{}],
    'GET /quotas': [{}, { query: { branchId }, names: { branchId } }],
    'POST /quotas/{branchId}/{productId}/recall': [{ path: { branchId, productId }, body: { quantity: 1 } }],
    'POST /quotas/{branchId}/{productId}/write-off': [
      { path: { branchId, productId }, body: { quantity: 1, reason: 'lost' } },
    ],
    'POST /quotas/{branchId}/{productId}/settle': [
      { path: { branchId, productId }, body: { quantity: 1, reason: 'found' } },
    ],
    'POST /branches/{branchId}/unfreeze': [{ path: { branchId }, body: { reason: 'explained' } }],
    'GET /branch/groups': [{}],
    'GET /branch/commands/{commandId}': [
      {
        path: { commandId: orderId },
        query: { key: customerId, notAfter: '2026-01-01T00:00:00.000Z', bodyHash: '0'.repeat(64) },
      },
    ],
    'GET /branch/ownership/{noun}/{id}': [{ path: { noun: 'orders', id: orderId } }],
    'GET /branch/revoked-sessions': [{ query: { after: '0' } }],
    'GET /branch/pins': [{}],
    'GET /branch/changes': [{ query: { topic: 'orders' } }],
    'GET /branch/levels': [{}],
    'POST /auth/login': invalid,
    'POST /auth/refresh': invalid,
    'POST /auth/logout': invalid,
    'POST /auth/token': invalid,
    'POST /auth/password': invalid,
    'PUT /auth/pin': invalid,
    'POST /auth/pin': invalid,
    'POST /auth/sign-up': invalid,
    'POST /auth/sign-up/confirm': invalid,
    'POST /auth/password-reset': invalid,
    'POST /auth/password-reset/confirm': invalid,
    'GET /auth/sessions': [{}],
    'POST /auth/sessions/{sessionId}/end': [{ path: { sessionId: randomUUID() }, body: {} }],
    'GET /accounts': [{}],
    'POST /accounts': invalid,
    'PATCH /accounts/{accountId}': [{ path: { accountId: randomUUID() }, body: { role: 'unknown' } }],
    'POST /accounts/{accountId}/password': [{ path: { accountId: 'invalid' } }],
  };
}
