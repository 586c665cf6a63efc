import { createProductRequestSchema, headers } from '@eco/contracts';
import type { z } from 'zod';

/** What the predecessor sold when it opened. */
const firstProducts: readonly z.input<typeof createProductRequestSchema>[] = [
  { productId: 'manzanas-organicas', name: 'Manzanas Orgánicas', priceCents: 250, stock: 100 },
  { productId: 'pan-integral', name: 'Pan Integral', priceCents: 180, stock: 50 },
  { productId: 'leche-deslactosada', name: 'Leche Deslactosada', priceCents: 320, stock: 30 },
  { productId: 'cafe-premium', name: 'Café Premium', priceCents: 890, stock: 25 },
  { productId: 'quinoa', name: 'Quinoa', priceCents: 1250, stock: 15 },
];

/** By then a writer leads and has decided; longer than a takeover from a writer that was killed in the last run. */
const WAIT_SECONDS = 30;

/**
 * Puts the first products into the catalogue the way everybody does, under keys that stay the same: at a later start
 * each is a repeat of a request that has its answer, so what was sold, changed or taken out since stays so.
 */
export async function addFirstProducts(centralUrl: string): Promise<void> {
  await Promise.all(
    firstProducts.map(async (product) => {
      const response = await fetch(`${centralUrl}/products`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          [headers.idempotencyKey]: `first-product-${product.productId}`,
          [headers.prefer]: `wait=${WAIT_SECONDS}`,
        },
        body: JSON.stringify(product),
        signal: AbortSignal.timeout((WAIT_SECONDS + 5) * 1000),
      });
      // 409: somebody has put another of that id there first.
      if (response.status === 201 || response.status === 409) return void (await response.body?.cancel());
      throw new Error(
        `Central did not take the product ${product.productId}: ${response.status} ${await response.text()}`,
      );
    }),
  );
}
