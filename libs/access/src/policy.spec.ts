import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { customerIdSchema } from '@eco/contracts';
import { anonymousPrincipal, BRANCH_ROLE, roles, type Principal } from './principal.js';
import { callerRoles, fieldRuleOf, reaches, reachesObject, reachOf, type Access, type Reach } from './policy.js';

const nobody = anonymousPrincipal(createSecretKey(Buffer.alloc(16)));
const ana: Principal = { ...nobody, id: 'c-1', role: 'customer', customerId: 'ana' };
const cashier: Principal = { ...nobody, id: 'k-1', role: 'cashier', branchId: 'sucursal-1' };
const integration: Principal = { ...nobody, id: 'i-1', role: 'integration', scopes: ['order.place'] };

const every = Object.keys(reaches) as Reach[];
const reachArbitrary = fc.constantFrom(...every);
const branchArbitrary = fc.constantFrom(null, 'central', 'sucursal-1', 'sucursal-10', 'sucursal-2');

describe('a policy', () => {
  const access: Access = { customer: 'own customer', manager: 'any', integration: 'order.place' };

  it('permits only the roles and scopes that it names', () => {
    expect(reachOf(access, ana)).toBe('own customer');
    expect(reachOf(access, cashier)).toBeUndefined();
    expect(reachOf(access, nobody)).toBeUndefined();
    expect(reachOf({}, { ...nobody, role: 'administrator' })).toBeUndefined();
  });

  it('demands the scope of an integration', () => {
    expect(reachOf(access, integration)).toBe('any');
    expect(reachOf({ integration: 'read' }, integration)).toBeUndefined();
    expect(reachOf({ manager: 'any' }, integration)).toBeUndefined();
    expect(reachOf({ integration: 'own commands' }, integration)).toBe('own commands');
  });

  it('knows every role', () => {
    expect([...callerRoles].sort()).toEqual([...roles, BRANCH_ROLE, 'anonymous'].sort());
  });
});

describe('a stored object', () => {
  it.each<[Reach, Principal, Parameters<typeof reachesObject>[1], boolean]>([
    ['own customer', ana, { customerId: 'ana' }, true],
    ['own customer', ana, { customerId: 'eva' }, false],
    ['own customer', ana, {}, false],
    ['own branch', cashier, { branchIds: ['sucursal-1'] }, true],
    ['own branch', cashier, { branchIds: ['sucursal-2', 'sucursal-1'] }, true],
    ['own branch', cashier, { branchIds: ['sucursal-10'] }, false],
    ['own branch', cashier, { branchIds: [null] }, false],
    ['own branch and central', cashier, { branchIds: [null] }, true],
    ['own branch and central', cashier, { branchIds: ['central'] }, true],
    ['own branch and central', cashier, { branchIds: ['sucursal-2'] }, false],
    ['counter carts', cashier, { customerId: 'sucursal-1:till-2' }, true],
    ['counter carts', cashier, { customerId: 'sucursal-10:till-2' }, false],
    ['counter carts', cashier, { customerId: 'ana' }, false],
  ])('is in the reach “%s” when it should be (%#)', (reach, principal, owner, expected) => {
    expect(reachesObject({ principal, reach }, owner)).toBe(expected);
  });

  it('without an owner is in no limited reach', () => {
    fc.assert(
      fc.property(reachArbitrary, fc.constantFrom(ana, cashier, nobody), (reach, principal) => {
        expect(reachesObject({ principal, reach }, {})).toBe(reach === 'any');
      }),
    );
  });

  it('of another branch is never in the reach of a branch, whatever the branches are called', () => {
    fc.assert(
      fc.property(branchArbitrary, fc.constantFrom('sucursal-1', 'sucursal-2'), (branchId, own) => {
        const principal = { ...cashier, branchId: own };
        expect(reachesObject({ principal, reach: 'own branch' }, { branchIds: [branchId] })).toBe(branchId === own);
      }),
    );
  });
});

describe('a field of a request', () => {
  it('gets the customer or branch of the token, and no other is allowed', () => {
    const customer = fieldRuleOf({ principal: ana, reach: 'own customer' });
    expect(customer).toMatchObject({ fields: ['customerId'], own: 'ana' });
    expect([customer?.allows('ana'), customer?.allows('eva')]).toEqual([true, false]);
    const branch = fieldRuleOf({ principal: cashier, reach: 'own branch' });
    expect(branch).toMatchObject({ fields: ['branchId', 'location'], own: 'sucursal-1' });
    expect([branch?.allows('sucursal-1'), branch?.allows('central')]).toEqual([true, false]);
  });

  it('that names the head office is allowed where stock of the head office is in reach', () => {
    const rule = fieldRuleOf({ principal: cashier, reach: 'own branch and central' });
    expect(['sucursal-1', 'central', 'sucursal-2'].map((value) => rule?.allows(value))).toEqual([true, true, false]);
  });

  it('that names a customer gets a made-up one for a guest, the same for the same key', () => {
    const guest = { principal: nobody, reach: 'guest' } as const;
    const ids = ['a', 'a', 'b', undefined, undefined].map((key) => fieldRuleOf(guest, key)?.own ?? '');
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(customerIdSchema.parse(id)).toBe(id);
    const rule = fieldRuleOf(guest, 'a');
    expect([rule?.allows(ids[0]), rule?.allows('ana')]).toEqual([true, false]);
  });

  it('may have any value where everything is in reach', () => {
    expect(fieldRuleOf({ principal: integration, reach: 'any' })).toBeUndefined();
  });
});
