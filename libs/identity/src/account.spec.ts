import fc from 'fast-check';
import { roles, type Role } from '@eco/access';
import { loginHashOf, loginNameSchema, standingViolations } from './account.js';

const branchRoles: readonly Role[] = ['branch-manager', 'cashier'];

it('allows a branch, a customer and scopes exactly for the roles that have them', () => {
  const standing = fc.record({
    role: fc.constantFrom(...roles),
    branchId: fc.constantFrom(null, 'sucursal-1'),
    customerId: fc.constantFrom(null, 'ana'),
    scopes: fc.constantFrom<('read' | 'events')[]>([], ['read'], ['events', 'read']),
  });
  fc.assert(
    fc.property(standing, ({ role, branchId, customerId, scopes }) => {
      const wrong = [
        ...((branchId !== null) === branchRoles.includes(role) ? [] : ['/branchId']),
        ...((customerId !== null) === (role === 'customer') ? [] : ['/customerId']),
        ...(scopes.length > 0 && role !== 'integration' ? ['/scopes'] : []),
      ];
      const violations = standingViolations({ role, branchId, customerId, scopes });
      expect(violations.map(({ at }) => at)).toEqual(wrong);
    }),
  );
});

it('finds an account in any case of its name', () => {
  expect(loginHashOf(' Ana@Example.com ')).toEqual(loginHashOf('ana@example.com'));
  expect(loginHashOf('ana@example.com')).not.toEqual(loginHashOf('ana@example.org'));
});

it.each(['', 'a', ' lucia', 'lu cia', 'lucía', '-lucia', 'x'.repeat(129)])(
  'does not accept %j as a log-in name',
  (name) => {
    expect(loginNameSchema.safeParse(name).success).toBe(false);
  },
);
