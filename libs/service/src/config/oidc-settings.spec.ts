import { readConfig, type Environment } from './config.js';
import { oidcSettings, withOidc } from './oidc-settings.js';

const read = (environment: Environment) => withOidc(readConfig(oidcSettings, environment));
const complete = {
  ECO_OIDC_ISSUER: 'https://login.example/tenant',
  ECO_OIDC_AUDIENCE: 'ecomarket',
  ECO_OIDC_ROLES: 'eco-admins=administrator, a=b=manager',
};

test('are absent without an issuer', () => {
  expect(read({})).toEqual({});
  expect(read({ ...complete, ECO_OIDC_ISSUER: '' })).toEqual({});
});

test('state issuer, audience, claim, and the roles of groups in order', () => {
  expect(read(complete)).toEqual({
    oidc: {
      issuer: 'https://login.example/tenant',
      audience: 'ecomarket',
      roleClaim: 'roles',
      roles: [
        { value: 'eco-admins', role: 'administrator' },
        { value: 'a=b', role: 'manager' },
      ],
    },
  });
});

test.each<[string, Environment, string[]]>([
  ['without the rest', { ECO_OIDC_ISSUER: complete.ECO_OIDC_ISSUER }, ['ECO_OIDC_AUDIENCE is', 'ECO_OIDC_ROLES is']],
  ['without https', { ...complete, ECO_OIDC_ISSUER: 'http://login.example' }, ['ECO_OIDC_ISSUER must']],
  ['with a role of a branch', { ...complete, ECO_OIDC_ROLES: 'x=cashier,manager' }, ['hold', 'hold']],
])('an issuer %s is refused, with every violation', (_, environment, words) => {
  const violations = (() => {
    try {
      read(environment);
      return [];
    } catch (error) {
      return (error as { violations: string[] }).violations;
    }
  })();
  expect(violations).toEqual(words.map((word) => expect.stringContaining(word) as unknown));
});
