import type { ReceivedChange } from '@eco/contracts';
import { changesOfType } from './changes-of-type.js';

const change = (type: string, data: Record<string, unknown>): ReceivedChange => ({
  type,
  seq: 7,
  n: 1,
  commandId: '01a225e3-8f00-702f-8707-070707070707',
  at: '2026-11-29T06:00:00.000Z',
  data,
});

it('skips changes of a type that only a newer writer knows, and ignores unknown data of the others', () => {
  const changes = [change('cart.split', { a: 1 }), change('cart.changed', { customerId: 'ana', device: 'kiosk' })];
  expect(changesOfType(changes, 'cart.changed')).toEqual([change('cart.changed', { customerId: 'ana' })]);
});
