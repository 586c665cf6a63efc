import { CENTRAL } from '@eco/contracts';
import { availableOf } from '../stock/stock-ledger.js';
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
    // A product that existed before keeps its units, so the level may be more than the first units.
    const level = state.stock.level(productId, CENTRAL);
    if (stock > 0) state.stock.move(level, { movement: 'received', onHandDelta: stock, reservedDelta: 0 }, id);
    const { onHand, reserved } = level;
    return done(
      { productId, version: product.version, level: { onHand, reserved, available: availableOf(level) } },
      { type: 'product.created', data: changeOf(product) },
    );
  },
};
