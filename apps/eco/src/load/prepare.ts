import { sleep } from '@eco/base';
import type { HttpAnswer, HttpClient } from './http-client.js';

const AT_ONCE = 16;
const WAIT_S = 10;
/** Time within which a product must be created, ms: a server may be restarting. */
const CREATE_MS = 60_000;
const RETRY_PAUSE_MS = 500;

/**
 * Creates the run's products with stock. A request without a certain answer is repeated with its key. Throws with the
 * first other response that is no 201.
 */
export async function createProducts(
  http: HttpClient,
  centralUrl: string,
  productIds: readonly string[],
  stock: number,
  onCreated: () => void,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < productIds.length; index = next++) {
      const productId = productIds[index] ?? '';
      const product = { productId, name: `Load product ${index}`, priceCents: 100 + (index % 900), stock };
      await create(product, performance.now() + CREATE_MS);
      onCreated();
    }
  };
  const create = async (product: { readonly productId: string }, untilMs: number): Promise<void> => {
    for (;;) {
      const answer = await http
        .send('POST', `${centralUrl}/products`, {
          body: product,
          headers: { prefer: `wait=${WAIT_S}`, 'idempotency-key': `load-${product.productId}` },
          deadlineMs: (WAIT_S + 5) * 1000,
        })
        .catch((error: Error) => error);
      if (!(answer instanceof Error) && answer.status === 201) return;
      const isCertain = !(answer instanceof Error) && answer.status !== 202 && answer.status < 500;
      if (isCertain || performance.now() > untilMs) throw new Error(`POST ${centralUrl}/products ${said(answer)}`);
      await sleep(RETRY_PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function said(answer: HttpAnswer | Error): string {
  return answer instanceof Error
    ? `failed: ${answer.message}`
    : `answered ${answer.status}: ${JSON.stringify(answer.body)}`;
}
