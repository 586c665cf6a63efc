/** Options of the load's purchases. A seed determines them, so that a run can be repeated. */
export interface ShoppingOptions {
  seed: number;
  /** Distinguishes this run's customers and products from those of others. */
  run: string;
  customers: number;
  products: number;
  /** Share of orders, 0 to 1, for the hot product only. */
  hotShare: number;
}

export interface PlannedOrder {
  customerId: string;
  lines: { productId: string; quantity: number }[];
}

export class Shopping {
  readonly #random: () => number;
  readonly #options: ShoppingOptions;

  constructor(options: ShoppingOptions) {
    this.#options = options;
    this.#random = seeded(options.seed);
  }

  /** The products of the run. The first is the hot one. */
  get productIds(): string[] {
    return Array.from({ length: this.#options.products }, (_, index) => this.#productId(index));
  }

  /** One unit of the hot product, or one to three of two products each. */
  next(): PlannedOrder {
    const { customers, products, hotShare, run } = this.#options;
    const customerId = `load-${run}-customer-${this.#below(customers)}`;
    if (products === 1 || this.#random() < hotShare) {
      return { customerId, lines: [{ productId: this.#productId(0), quantity: 1 }] };
    }
    const first = this.#below(products);
    const second = (first + 1 + this.#below(products - 1)) % products;
    return {
      customerId,
      lines: [first, second].map((index) => ({ productId: this.#productId(index), quantity: 1 + this.#below(3) })),
    };
  }

  #productId(index: number): string {
    return `load-${this.#options.run}-${index}`;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

/** The generator mulberry32. Its 32 bits of state suffice here. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
