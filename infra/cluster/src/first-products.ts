import { OwnToken, type TokenSecrets } from '@eco/access';
import { createProductRequestSchema, headers } from '@eco/contracts';
import type { z } from 'zod';
import { askUntilReady } from './ask-until-ready.js';

type FirstProduct = z.input<typeof createProductRequestSchema>;

/** The predecessor's first products. */
const firstProducts: readonly FirstProduct[] = [
  { productId: 'manzanas-organicas', name: 'Manzanas Orgánicas', priceCents: 250, stock: 100 },
  { productId: 'pan-integral', name: 'Pan Integral', priceCents: 180, stock: 50 },
  { productId: 'leche-deslactosada', name: 'Leche Deslactosada', priceCents: 320, stock: 30 },
  { productId: 'cafe-premium', name: 'Café Premium', priceCents: 890, stock: 25 },
  { productId: 'quinoa', name: 'Quinoa', priceCents: 1250, stock: 15 },
];

/** Longest wait for the decision, s. It is longer than a takeover from a writer that was killed in the last run. */
const WAIT_SECONDS = 30;

/**
 * Creates the first products through the API, under constant keys. A later start repeats the same requests and gets the
 * stored answers, so products that were sold, changed or removed stay as they are.
 */
export async function addFirstProducts(centralUrl: string, tokens: TokenSecrets): Promise<void> {
  const headOffice = new OwnToken(tokens, { id: 'first products', role: 'manager' });
  await Promise.all(firstProducts.map((product) => addProduct(`${centralUrl}/products`, headOffice, product)));
}

async function addProduct(url: string, client: OwnToken, product: FirstProduct): Promise<void> {
  const { status, text } = await askUntilReady(async () =>
    fetch(url, {
      method: 'POST',
      headers: {
        ...(await client.header()),
        'content-type': 'application/json',
        [headers.idempotencyKey]: `first-product-${product.productId}`,
        [headers.prefer]: `wait=${WAIT_SECONDS}`,
      },
      body: JSON.stringify(product),
      signal: AbortSignal.timeout((WAIT_SECONDS + 5) * 1000),
    }),
  );
  // 409 means that another product with that id was created first.
  if (status === 201 || status === 409) return;
  throw new Error(`Central did not accept the product ${product.productId}: ${status} ${text}`);
}
