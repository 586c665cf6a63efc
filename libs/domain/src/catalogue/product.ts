import { upsert, type Noun } from '../noun.js';

export interface Product {
  productId: string;
  name: string;
  priceCents: number;
  /** Tax that the price includes. Null: the chain's default rate. */
  taxBasisPoints: number | null;
  /** Number of changes of the product. A deleted product keeps its row, so that the count continues. */
  version: number;
  deleted: boolean;
}

export interface ProductRow extends Product {
  bucket: number;
}

export const products = {
  keys: {
    /** Products named by commands. Products in carts to be checked out are loaded by `checkOutCustomerIds`. */
    productIds: 'all',
  },
  state: { products: () => new Map<string, Product>() },
  rows: { products: upsert<ProductRow>('productId') },
} satisfies Noun;
