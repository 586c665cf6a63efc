/**
 * What the home has recorded about one holder and one product. A place holds units; `discrepancy` counts units that left
 * the holder although no record showed them there. So for each product: Σ units at all places + in transit + sold −
 * returned = came in + Σ discrepancy.
 */
export interface Account {
  /** Units that the holder may spend, as far as its entries have arrived. */
  readonly level: number;
  /** Returned units that nobody has inspected. */
  readonly quarantine: number;
  /** Units that a manager has written off. Late sales are taken from them; they never return to the pool unless they turn up. */
  readonly writtenOff: number;
  readonly discrepancy: number;
}

/** By how much each place of an account changes. A place that is left out does not change. */
export type AccountDeltas = Readonly<Partial<Record<keyof Account, number>>>;

export interface Booking {
  readonly type: 'booked';
  readonly deltas: AccountDeltas;
}

/** The account has fewer units than asked for. Nothing is booked. */
export interface TooFew {
  readonly type: 'too-few';
  readonly asked: number;
  readonly found: number;
}

export const EMPTY_ACCOUNT: Account = { level: 0, quarantine: 0, writtenOff: 0, discrepancy: 0 };

/**
 * The holder has sold units. The sale is a fact, so it is never refused: units that the level lacks are taken from
 * written-off units, and what these lack becomes a discrepancy.
 */
export function bookSale(account: Account, quantity: number): Booking {
  return booked(taken(account, quantity));
}

/** The holder has taken back a sale of its own: the units are on its shelf again. */
export function bookVoid({ discrepancy }: Account, quantity: number): Booking {
  const undone = Math.min(discrepancy, quantity);
  return booked({ discrepancy: minus(undone), level: quantity - undone });
}

/** A customer brought units back to the holder. Units of another holder's sale are not its own to spend. */
export function bookReturn(quantity: number, isOwnSale: boolean): Booking {
  return booked({ [isOwnSale ? 'level' : 'quarantine']: quantity });
}

/**
 * The holder has sent units home. It may have sent them before it learned of a write-off, so written-off units can
 * return this way.
 */
export function bookGiveBack(account: Account, quantity: number): Booking | TooFew {
  const { discrepancy: lacking, ...deltas } = taken(account, quantity);
  return lacking > 0 ? tooFew(quantity, quantity - lacking) : booked(deltas);
}

/** A manager ends the holder's right to units. */
export function bookWriteOff({ level }: Account, quantity: number): Booking | TooFew {
  if (quantity > level) return tooFew(quantity, level);
  return booked({ level: -quantity, writtenOff: quantity });
}

/** A manager accepts that the holder had units that no record showed: they count as units that came in. */
export function bookSettlement({ discrepancy }: Account, quantity: number): Booking | TooFew {
  if (quantity > discrepancy) return tooFew(quantity, discrepancy);
  return booked({ discrepancy: -quantity });
}

export interface CountBooking extends Booking {
  /** Open discrepancy that the count has settled. */
  readonly settled: number;
  /** Missing units that the home had not recorded at the holder: a new discrepancy. */
  readonly excess: number;
}

/**
 * The holder has counted its units, and has recorded `counted` of them since.
 *
 * The level is greater than what the holder had recorded if units became idle there, for example when the holder learned
 * late of a write-off. The count then sets the level, and written-off units are the first to turn up. A smaller level
 * shows that the holder has not learned of a write-off yet. It will reduce its own record by those units, so the count
 * only adds the difference that it has found, and those units stay written off.
 */
export function bookCount(account: Account, expected: number, counted: number): CountBooking {
  const { level, writtenOff, discrepancy: settled } = account;
  const delta = counted - Math.max(expected, level);
  if (delta >= 0) {
    const turnedUp = level < expected ? 0 : Math.min(writtenOff, delta);
    const deltas = { level: delta, writtenOff: minus(turnedUp), discrepancy: minus(settled) };
    return { ...booked(deltas), settled, excess: 0 };
  }
  const { discrepancy: excess, ...deltas } = taken(account, -delta);
  return { ...booked({ ...deltas, discrepancy: excess - settled }), settled, excess };
}

export function applied(account: Account, deltas: AccountDeltas): Account {
  const { level = 0, quarantine = 0, writtenOff = 0, discrepancy = 0 } = deltas;
  return {
    level: account.level + level,
    quarantine: account.quarantine + quarantine,
    writtenOff: account.writtenOff + writtenOff,
    discrepancy: account.discrepancy + discrepancy,
  };
}

/** Takes units from the level, then from written-off units. The rest is a discrepancy. */
function taken({ level, writtenOff }: Account, quantity: number): Omit<Account, 'quarantine'> {
  const fromLevel = Math.min(level, quantity);
  const fromWrittenOff = Math.min(writtenOff, quantity - fromLevel);
  return {
    level: minus(fromLevel),
    writtenOff: minus(fromWrittenOff),
    discrepancy: quantity - fromLevel - fromWrittenOff,
  };
}

function booked(deltas: AccountDeltas): Booking {
  return { type: 'booked', deltas };
}

function tooFew(asked: number, found: number): TooFew {
  return { type: 'too-few', asked, found };
}

/** Without -0, which is another value than 0 for tests and in JSON. */
function minus(units: number): number {
  return units === 0 ? 0 : -units;
}
