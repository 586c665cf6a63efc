import type { OwnToken } from '@eco/access';
import type { StockedProduct } from './monolith/monolith-database.js';

/**
 * Products of both systems: `products` normal ones, and one hot product. Nothing runs out, because a refusal costs less
 * than a sale.
 */
export function productsOf(products: number): StockedProduct[] {
  const mixed = Array.from({ length: products }, (_, index) => `bench-${index + 1}`);
  return [...mixed, 'bench-hot'].map((productId, index) => ({
    productId,
    priceCents: 100 + (index % 900),
    stock: 1_000_000_000,
  }));
}

const AT_ONCE = 16;
const WAIT_S = 30;

/** Creates them through our API. Throws with the first response that is no 201. */
export async function addProducts(
  centralUrl: string,
  token: OwnToken,
  products: readonly StockedProduct[],
): Promise<void> {
  const left = [...products];
  const worker = async (): Promise<void> => {
    for (let product = left.pop(); product !== undefined; product = left.pop()) {
      const { productId, priceCents, stock } = product;
      const response = await fetch(`${centralUrl}/products`, {
        method: 'POST',
        headers: { ...(await token.header()), 'content-type': 'application/json', prefer: `wait=${WAIT_S}` },
        body: JSON.stringify({ productId, name: `Product ${productId}`, priceCents, stock }),
        signal: AbortSignal.timeout((WAIT_S + 5) * 1000),
      });
      const text = await response.text();
      if (response.status !== 201) throw new Error(`POST /products answered ${response.status}: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
