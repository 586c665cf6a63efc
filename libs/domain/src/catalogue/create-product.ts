import { CENTRAL } from '@eco/contracts';
import { changeOf } from './catalogue.js';
import { done, refused, type Rules } from '../rules.js';

export const createProduct: Rules<'product.create'> = {
  need({ body }, keys) {
    keys.productIds.add(body.productId);
  },
  decide({ id, body }, state) {
    const { productId, name, priceCents, taxBasisPoints = null, stock } = body;
    if (state.catalogue.find(productId) !== undefined) return refused('product-exists');
    const product = state.catalogue.change(productId, { name, priceCents, taxBasisPoints, deleted: false });
    if (stock > 0) {
      const level = state.stock.level(productId, CENTRAL);
      state.stock.move(level, { movement: 'received', onHandDelta: stock, reservedDelta: 0 }, id);
    }
    return done({ productId, version: product.version }, { type: 'product.created', data: changeOf(product) });
  },
};
