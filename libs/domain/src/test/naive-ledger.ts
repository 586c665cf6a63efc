export interface NaiveMovement {
  productId: string;
  location: string;
  onHandDelta: number;
  reservedDelta: number;
  /** `expiry` stands for an expiry that the batch created, because only the batch knows its id. */
  commandId: string;
}

/** The ledger of the naive model: all movements, and every level by adding them up. */
export class NaiveLedger {
  readonly movements: NaiveMovement[] = [];

  move(productId: string, location: string, onHandDelta: number, reservedDelta: number, commandId: string) {
    this.movements.push({ productId, location, onHandDelta, reservedDelta, commandId });
  }

  moved(productId: string, location: string, delta: number, commandId: string): Record<string, unknown> {
    if (delta !== 0) this.move(productId, location, delta, 0, commandId);
    const { onHand, reserved, sequence } = this.level(productId, location);
    return { productId, location, delta, onHand, reserved, available: onHand - reserved, sequence };
  }

  level(productId: string, location: string) {
    const own = this.movements.filter((each) => each.productId === productId && each.location === location);
    const total = (pick: (movement: NaiveMovement) => number) => own.reduce((sum, each) => sum + pick(each), 0);
    return {
      onHand: total(({ onHandDelta }) => onHandDelta),
      reserved: total(({ reservedDelta }) => reservedDelta),
      sequence: own.length,
    };
  }

  available(productId: string, location = 'central'): number {
    const { onHand, reserved } = this.level(productId, location);
    return onHand - reserved;
  }
}
