import type { Buckets } from '../buckets.js';
import type { Effects } from '../effects.js';
import type { BatchState } from '../state.js';
import type { Transfer, TransferRow } from './transfer.js';

/** The transfers that change: as loaded, plus those of this batch, with all its changes. */
export class Transfers {
  private readonly working = new Map<string, TransferRow>();

  constructor(
    private readonly stored: BatchState['transfers'],
    private readonly buckets: Buckets,
    private readonly effects: Pick<Effects, 'transfers'>,
  ) {}

  /** Undefined: it does not exist, or is of another product. */
  find(transferId: string, productId: string): Readonly<Transfer> | undefined {
    const transfer = this.working.get(transferId) ?? this.stored.get(transferId);
    return transfer?.productId === productId ? transfer : undefined;
  }

  send(transfer: Transfer): void {
    this.workingCopy(transfer);
  }

  arrive(transfer: Readonly<Transfer>, at: string): void {
    Object.assign(this.working.get(transfer.transferId) ?? this.workingCopy(transfer), {
      status: 'arrived',
      arrivedAt: at,
    });
  }

  private workingCopy(transfer: Readonly<Transfer>): TransferRow {
    const row = { ...transfer, bucket: this.buckets.of(transfer.productId) };
    this.working.set(transfer.transferId, row);
    this.effects.transfers.push(row);
    return row;
  }
}
