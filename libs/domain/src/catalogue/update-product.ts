import { done, refused, type Rules } from '../rules.js';

export const updateProduct: Rules<'product.update'> = {
  need({ body }, keys) {
    keys.productIds.add(body.productId);
  },
  decide({ body: { productId, name, priceCents } }, state) {
    if (state.catalogue.find(productId) === undefined) return refused('product-unknown');
    const version = state.catalogue.change(productId, { name, priceCents, deleted: false });
    return done({ productId, version }, { type: 'product.updated', data: { productId, name, priceCents, version } });
  },
};
