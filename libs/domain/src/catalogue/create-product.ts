import { CENTRAL } from '@eco/contracts';
import { done, refused, type Rules } from '../rules.js';

export const createProduct: Rules<'product.create'> = {
  need({ body }, keys) {
    keys.productIds.add(body.productId);
  },
  decide({ id, body }, state) {
    const { productId, name, priceCents, stock } = body;
    if (state.catalogue.find(productId) !== undefined) return refused('product-exists');
    const version = state.catalogue.change(productId, { name, priceCents, deleted: false });
    if (stock > 0) {
      const level = state.stock.level(productId, CENTRAL);
      state.stock.move(level, { movement: 'received', onHandDelta: stock, reservedDelta: 0 }, id);
    }
    return done({ productId, version }, { type: 'product.created', data: { productId, name, priceCents, version } });
  },
};
