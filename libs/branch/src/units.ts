import { accept, count, giveBack, remainingOf } from '@eco/domain';
import { ASK_AGAIN_MS } from './catalogue.js';
import { holdingOf, storeHolding } from './holdings.js';
import { pagesOfRequest, type Recorder } from './recorder.js';
import type {
  Asked,
  Count,
  CountRefusal,
  CountRequest,
  Frozen,
  GiveBackRefusal,
  GiveBackRequest,
  ReceiveRefusal,
  Recorded,
  Transfer,
} from './types.js';

const PAGES = pagesOfRequest(1, 300);

/** Units that come to the branch, leave it, or are counted. */
export class Units {
  readonly #recorder: Recorder;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /** A person has received goods that were sent to the branch: they can be sold from now on. */
  receiveTransfer(request: Asked & { readonly transferId: string }): Promise<Recorded<Transfer, ReceiveRefusal>> {
    const { sql } = this.#recorder;
    const { id, transferId } = request;
    return this.#recorder.record<Transfer, ReceiveRefusal>(request, { of: 'receive', transferId }, PAGES, (step) => {
      const transfer = this.transfer(transferId);
      if (transfer === undefined) return { refusal: { reason: 'transfer-unknown' } };
      if (transfer.status === 'received') return { refusal: { reason: 'transfer-received' } };
      const { productId, quantity } = transfer;
      const holding = accept(step.holder, holdingOf(sql, productId), quantity, false);
      if (holding === undefined) return { refusal: { reason: 'frozen' } };
      storeHolding(sql, productId, holding);
      sql.run("UPDATE transfers SET status = 'received' WHERE transfer_id = ?", transferId);
      step.entry('quota.accept', id, { transferId, productId, quantity }, request);
      step.syncCounter();
      return { value: { ...transfer, status: 'received' } };
    });
  }

  giveBack(request: GiveBackRequest): Promise<Recorded<{ readonly remaining: number }, GiveBackRefusal>> {
    const { sql } = this.#recorder;
    const { id, productId, quantity } = request;
    return this.#recorder.record<{ remaining: number }, GiveBackRefusal>(
      request,
      { of: 'give-back', productId, quantity },
      PAGES,
      (step) => {
        const given = giveBack(step.holder, holdingOf(sql, productId), quantity);
        if (given.type === 'waiting') return { refusal: { reason: 'frozen' } };
        if (given.type === 'short') return { refusal: { reason: 'short', remaining: given.remaining } };
        storeHolding(sql, productId, given.holding);
        step.entry('quota.give-back', id, { productId, quantity, recallId: null }, request);
        return { value: { remaining: remainingOf(given.holding) } };
      },
    );
  }

  count(request: CountRequest): Promise<Recorded<Count, CountRefusal>> {
    const { sql } = this.#recorder;
    const { id, productId, counted, reason } = request;
    return this.#recorder.record<Count, CountRefusal>(
      request,
      { of: 'count', productId, counted, reason },
      PAGES,
      (step) => {
        const holding = holdingOf(sql, productId);
        const isKnown = sql.get('SELECT 1 FROM products WHERE product_id = ?', productId) !== undefined;
        if (!isKnown && holding.granted === 0) return { refusal: { reason: 'product-unknown' } };
        const after = count(step.holder, holding, counted);
        if (after.type === 'waiting') return { refusal: { reason: 'frozen' } };
        const expected = remainingOf(holding);
        storeHolding(sql, productId, after.holding);
        step.entry('quota.count', id, { productId, expected, counted, reason }, request);
        return { value: { productId, expected, counted } };
      },
    );
  }

  /**
   * Asks the home for units of a product. While a request waits, none is added; `asked` is false then. The home answers
   * by a grant among the changes of `quotas`.
   */
  fetch({
    productId,
    quantity,
  }: {
    readonly productId: string;
    readonly quantity: number;
  }): Promise<Recorded<{ readonly asked: boolean }, Frozen>> {
    const { sql, nowMs, branchId } = this.#recorder;
    return this.#recorder.recordOnce<{ readonly asked: boolean }, Frozen>(
      () => {
        const since = new Date(nowMs - ASK_AGAIN_MS).toISOString();
        const waits = sql.get('SELECT 1 FROM fetches WHERE product_id = ? AND asked_at > ?', productId, since);
        return waits && { type: 'done', value: { asked: false }, repeated: true };
      },
      PAGES,
      (step) => {
        if (step.holder.standing === 'waiting' || step.holder.isFrozen) return { refusal: { reason: 'frozen' } };
        const transferId = this.#recorder.newId(productId);
        sql.run(
          `INSERT INTO fetches VALUES (?, ?, ?, ?) ON CONFLICT (product_id) DO UPDATE
           SET transfer_id = excluded.transfer_id, quantity = excluded.quantity, asked_at = excluded.asked_at`,
          productId,
          transferId,
          quantity,
          step.nowText,
        );
        const remaining = remainingOf(holdingOf(sql, productId));
        const body = { transferId, branchId, productId, quantity, remaining };
        step.command('quota.fetch', transferId, body, { correlationId: transferId });
        return { value: { asked: true } };
      },
    );
  }

  transfer(transferId: string): Transfer | undefined {
    return this.#recorder.sql.get<Transfer>(`${TRANSFERS} WHERE transfer_id = ?`, transferId);
  }

  /** Goods on their way to the branch. */
  expectedTransfers(): Transfer[] {
    return this.#recorder.sql.all<Transfer>(`${TRANSFERS} WHERE status = 'expected' ORDER BY transfer_id`);
  }
}

const TRANSFERS =
  'SELECT transfer_id AS "transferId", product_id AS "productId", quantity, kind, status, at FROM transfers';
