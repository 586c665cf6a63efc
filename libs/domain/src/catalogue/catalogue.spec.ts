import { changeData, outcomeResults } from '@eco/contracts';
import { bucketOf } from '@eco/routing';
import { arrivedOf, command, reserve } from '../test/commands.js';
import { BUCKETS, MemoryGroup } from '../test/memory-group.js';

const bucket = bucketOf('cafe', BUCKETS);
const create = (stock: number, idempotencyKey = `create ${stock}`) =>
  command('product.create', { productId: 'cafe', name: 'Café', priceCents: 890, stock }, { idempotencyKey });
const update = command('product.update', { productId: 'cafe', name: 'Café Premium', priceCents: 990 });
const remove = command('product.delete', { productId: 'cafe' });

describe('product.create', () => {
  it('adds version 1 and receives its stock at central', () => {
    const { outcomes, products, movements, levels } = new MemoryGroup().write(arrivedOf([create(10)]));
    expect(products).toEqual([
      { productId: 'cafe', name: 'Café', priceCents: 890, taxBasisPoints: null, version: 1, deleted: false, bucket },
    ]);
    expect(outcomes).toMatchObject([
      {
        status: 'done',
        result: { productId: 'cafe', version: 1 },
        topic: 'products',
        changeType: 'product.created',
        changeData: { productId: 'cafe', name: 'Café', priceCents: 890, version: 1 },
      },
    ]);
    expect(changeData['product.created'].parse(outcomes[0]?.changeData)).toEqual(outcomes[0]?.changeData);
    const { n, commandId, bucket: movementBucket, ...change } = movements[0] as (typeof movements)[number];
    expect({ n, commandId, movementBucket }).toEqual({ n: 1, commandId: create(10).id, movementBucket: bucket });
    expect(changeData['stock.changed'].parse(change)).toEqual({
      productId: 'cafe',
      location: 'central',
      sequence: 1,
      movement: 'received',
      onHandDelta: 10,
      reservedDelta: 0,
      onHand: 10,
      reserved: 0,
    });
    expect(levels).toEqual([{ productId: 'cafe', location: 'central', onHand: 10, reserved: 0, sequence: 1, bucket }]);
  });

  it('records no movement without stock', () => {
    expect(new MemoryGroup().write(arrivedOf([create(0)]))).toMatchObject({ movements: [], levels: [] });
  });

  it('refuses an existing product', () => {
    const group = new MemoryGroup();
    const { outcomes, movements } = group.write(arrivedOf([create(10), create(20)]));
    expect(outcomes[1]).toMatchObject({ status: 'refused', result: { reason: 'product-exists' }, topic: null });
    expect(outcomeResults['product.create'].parse(outcomes[1]?.result)).toEqual({ reason: 'product-exists' });
    expect(movements).toHaveLength(1);
  });

  it('restores a deleted product: its versions continue and its stock is kept', () => {
    const group = new MemoryGroup();
    group.write(arrivedOf([create(10), remove]));
    const { products, levels, outcomes } = group.write(arrivedOf([create(5)]));
    expect(products).toMatchObject([{ version: 3, deleted: false }]);
    expect(outcomes).toMatchObject([
      { changeType: 'product.created', result: { version: 3, level: { onHand: 15, reserved: 0, available: 15 } } },
    ]);
    expect(levels).toMatchObject([{ onHand: 15, sequence: 2 }]);
  });

  it('states the level of a restored product without first units, and moves nothing', () => {
    const group = new MemoryGroup();
    group.write(arrivedOf([create(10), remove]));
    const { levels, outcomes } = group.write(arrivedOf([create(0)]));
    expect(outcomes).toMatchObject([{ result: { level: { onHand: 10, reserved: 0, available: 10 } } }]);
    expect(levels).toEqual([]);
  });

  it('counts the units of the level that open reservations hold', () => {
    const group = new MemoryGroup();
    group.write(arrivedOf([create(10), reserve('ana', { cafe: 4 }), remove]));
    const { outcomes } = group.write(arrivedOf([create(5)]));
    expect(outcomes).toMatchObject([{ result: { level: { onHand: 15, reserved: 4, available: 11 } } }]);
  });
});

describe('product.update and product.delete', () => {
  it('count versions, in one row per batch', () => {
    const { products, outcomes } = new MemoryGroup().write(arrivedOf([create(1), update, remove]));
    expect(products).toEqual([
      {
        productId: 'cafe',
        name: 'Café Premium',
        priceCents: 990,
        taxBasisPoints: null,
        version: 3,
        deleted: true,
        bucket,
      },
    ]);
    expect(outcomes.slice(1)).toMatchObject([
      {
        changeType: 'product.updated',
        changeData: { productId: 'cafe', name: 'Café Premium', priceCents: 990, version: 2 },
        n: 2,
      },
      { changeType: 'product.deleted', changeData: { productId: 'cafe', version: 3 }, n: 3 },
    ]);
    expect(changeData['product.updated'].parse(outcomes[1]?.changeData)).toEqual(outcomes[1]?.changeData);
    expect(changeData['product.deleted'].parse(outcomes[2]?.changeData)).toEqual(outcomes[2]?.changeData);
  });

  it('keep the tax rate that they do not state, and forget it when the product is created again', () => {
    const group = new MemoryGroup();
    const rate = { productId: 'cafe', name: 'Café', priceCents: 890 };
    const taxed = command('product.create', { ...rate, stock: 0, taxBasisPoints: 1600 });
    const changed = command('product.update', { ...rate, taxBasisPoints: 0 });
    const { products, outcomes } = group.write(arrivedOf([taxed, update]));
    expect(products).toMatchObject([{ taxBasisPoints: 1600 }]);
    expect(outcomes).toMatchObject([
      { changeData: { taxBasisPoints: 1600 } },
      { changeData: { taxBasisPoints: 1600 } },
    ]);
    expect(group.write(arrivedOf([changed])).products).toMatchObject([{ taxBasisPoints: 0 }]);
    group.write(arrivedOf([remove]));
    const { outcomes: again } = group.write(arrivedOf([create(1)]));
    expect(again[0]?.changeData).not.toHaveProperty('taxBasisPoints');
  });

  it('change only the fields that they state, so that a new price does not undo a new name', () => {
    const group = new MemoryGroup();
    group.write(arrivedOf([create(1)]));
    const rename = command('product.update', { productId: 'cafe', name: 'Café Premium' });
    const reprice = command('product.update', { productId: 'cafe', priceCents: 990 });
    const rate = command('product.update', { productId: 'cafe', taxBasisPoints: 1600 });
    const noRate = command('product.update', { productId: 'cafe', taxBasisPoints: null });
    const { products, outcomes } = group.write(arrivedOf([rename, reprice, rate, noRate]));
    expect(products).toMatchObject([{ name: 'Café Premium', priceCents: 990, taxBasisPoints: null, version: 5 }]);
    expect(outcomes[2]?.changeData).toEqual({
      productId: 'cafe',
      name: 'Café Premium',
      priceCents: 990,
      taxBasisPoints: 1600,
      version: 4,
    });
    expect(outcomes[3]?.changeData).not.toHaveProperty('taxBasisPoints');
  });

  it('do nothing if the product has none of the versions that they name', () => {
    const group = new MemoryGroup();
    group.write(arrivedOf([create(1), update]));
    const price = (priceCents: number, ifVersions: number[]) =>
      command('product.update', { productId: 'cafe', priceCents, ifVersions }, { idempotencyKey: `${priceCents}` });
    const { replies, products } = group.write(
      arrivedOf([
        price(1, [1]),
        price(2, [1, 2]),
        price(3, [2]),
        command('product.delete', { productId: 'cafe', ifVersions: [2] }, { idempotencyKey: 'late' }),
      ]),
    );
    expect(replies).toMatchObject([
      { status: 'refused', result: { reason: 'product-changed', version: 2 } },
      { status: 'done', result: { version: 3 } },
      { status: 'refused', result: { reason: 'product-changed', version: 3 } },
      { status: 'refused', result: { reason: 'product-changed', version: 3 } },
    ]);
    expect(products).toMatchObject([{ priceCents: 2, version: 3, deleted: false }]);
    const right = command('product.delete', { productId: 'cafe', ifVersions: [3] });
    expect(group.write(arrivedOf([right])).replies).toMatchObject([{ status: 'done', result: { version: 4 } }]);
    expect(group.write(arrivedOf([price(5, [4])])).replies).toMatchObject([
      { status: 'refused', result: { reason: 'product-unknown' } },
    ]);
  });

  it.each([update, remove])('refuse an unknown product: $kind', (command) => {
    const group = new MemoryGroup();
    expect(group.write(arrivedOf([command])).outcomes).toMatchObject([
      { result: { reason: 'product-unknown' }, topic: null },
    ]);
    group.write(arrivedOf([create(1), { ...remove, id: create(1).id.replace(/^./, 'f') }]));
    const again = { ...command, id: command.id.replace(/^./, 'e') };
    expect(group.write(arrivedOf([again])).outcomes).toMatchObject([
      { status: 'refused', result: { reason: 'product-unknown' } },
    ]);
  });
});
