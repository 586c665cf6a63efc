import type { Buckets } from '../buckets.js';
import type { Effects } from '../effects.js';
import { refused, type Refused } from '../rules.js';
import type { BatchState } from '../state.js';
import type { Transfer, TransferRow } from './transfer.js';

/** The transfers that change: as loaded, plus those of this batch, with all its changes. */
export class Transfers {
  readonly #working = new Map<string, TransferRow>();
  readonly #stored: BatchState['transfers'];
  readonly #buckets: Buckets;
  readonly #effects: Pick<Effects, 'transfers'>;

  constructor(stored: BatchState['transfers'], buckets: Buckets, effects: Pick<Effects, 'transfers'>) {
    this.#stored = stored;
    this.#buckets = buckets;
    this.#effects = effects;
  }

  /** The transfer. Undefined: it does not exist, or is of another product. */
  find(transferId: string, productId: string): Readonly<Transfer> | undefined {
    const transfer = this.#working.get(transferId) ?? this.#stored.get(transferId);
    return transfer?.productId === productId ? transfer : undefined;
  }

  /** A refusal if its units are not in transit. A transfer of another product is unknown. */
  inTransit(
    transferId: string,
    productId: string,
  ): Readonly<Transfer> | Refused<'transfer-unknown' | 'transfer-arrived' | 'transfer-written-off'> {
    const transfer = this.find(transferId, productId);
    if (transfer === undefined) return refused('transfer-unknown');
    switch (transfer.status) {
      case 'in-transit':
        return transfer;
      case 'arrived':
        return refused('transfer-arrived');
      case 'written-off':
        return refused('transfer-written-off');
    }
  }

  send(transfer: Transfer): void {
    this.#workingCopy(transfer);
  }

  arrive(transfer: Readonly<Transfer>, at: string): void {
    this.#end(transfer, { status: 'arrived', arrivedAt: at });
  }

  writeOff(transfer: Readonly<Transfer>, at: string, reason: string): void {
    this.#end(transfer, { status: 'written-off', writtenOffAt: at, reason });
  }

  #end(transfer: Readonly<Transfer>, end: Partial<Transfer>): void {
    Object.assign(this.#working.get(transfer.transferId) ?? this.#workingCopy(transfer), end);
  }

  #workingCopy(transfer: Readonly<Transfer>): TransferRow {
    const row = { ...transfer, bucket: this.#buckets.of(transfer.productId) };
    this.#working.set(transfer.transferId, row);
    this.#effects.transfers.push(row);
    return row;
  }
}
