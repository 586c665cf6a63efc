import type { HttpClient } from './http-client.js';

const AT_ONCE = 16;
const WAIT_S = 10;

/** Creates the run's products with stock. Throws with the first response that is no 201. */
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
      const answer = await http.send('POST', `${centralUrl}/products`, {
        body: { productId, name: `Load product ${index}`, priceCents: 100 + (index % 900), stock },
        headers: { prefer: `wait=${WAIT_S}` },
        deadlineMs: (WAIT_S + 5) * 1000,
      });
      if (answer.status !== 201) {
        throw new Error(`POST ${centralUrl}/products answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      }
      onCreated();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
