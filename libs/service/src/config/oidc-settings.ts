import { isSafeUrl, oidcRoles, type OidcRole, type OidcSettings } from '@eco/access';
import { z } from 'zod';
import { ConfigError, type ConfigOf, type Setting } from './config.js';

const issuerUrl = z.string().refine(isSafeUrl, 'must be a URL with https, or with http on this machine').optional();

const roleList = z
  .string()
  .transform((text, context): OidcSettings['roles'] => {
    const roles: { value: string; role: OidcRole }[] = [];
    for (const part of text.split(',').map((each) => each.trim())) {
      const split = part.lastIndexOf('=');
      const role = oidcRoles.find((each) => each === part.slice(split + 1).trim());
      if (split > 0 && role !== undefined) roles.push({ value: part.slice(0, split).trim(), role });
      else
        context.addIssue(
          `must hold <group>=<role>, with a role of ${oidcRoles.join(', ')}, not ${JSON.stringify(part)}`,
        );
    }
    return roles;
  })
  .optional();

/** Settings of an API of the head office: a provider whose access tokens it accepts, next to those of Central. */
export const oidcSettings = {
  oidcIssuer: {
    variable: 'ECO_OIDC_ISSUER',
    description:
      'URL of an OpenID Connect provider for the head office; absent: only Central’s own tokens are accepted',
    schema: issuerUrl,
  } satisfies Setting<string | undefined>,
  oidcAudience: {
    variable: 'ECO_OIDC_AUDIENCE',
    description: 'Audience of the provider’s access tokens for EcoMarket; required with ECO_OIDC_ISSUER',
    schema: z.string().optional(),
  } satisfies Setting<string | undefined>,
  oidcRoleClaim: {
    variable: 'ECO_OIDC_ROLE_CLAIM',
    description: 'Claim of these tokens that names a person’s groups; a.b is the member b of the claim a',
    default: 'roles',
    schema: z.string(),
  } satisfies Setting<string>,
  oidcRoles: {
    variable: 'ECO_OIDC_ROLES',
    description: `Roles of these groups, group=role,group=role, the first that a person has counts: ${oidcRoles.join(', ')}; required with ECO_OIDC_ISSUER`,
    schema: roleList,
  } satisfies Setting<OidcSettings['roles'] | undefined>,
};

type Stated = ConfigOf<typeof oidcSettings>;

/** A config with the provider's settings as one. */
export type WithOidc<Config extends Stated> = Omit<Config, keyof Stated> & { readonly oidc?: OidcSettings };

/** Throws a `ConfigError` if the settings of a provider are not complete. */
export function withOidc<Config extends Stated>(config: Config): WithOidc<Config> {
  const { oidcIssuer: issuer, oidcAudience: audience, oidcRoleClaim: roleClaim, oidcRoles: roles, ...others } = config;
  if (issuer === undefined) return others;
  if (audience !== undefined && roles !== undefined) {
    return { ...others, oidc: Object.freeze({ issuer, audience, roleClaim, roles }) };
  }
  const missing = [
    ...(audience === undefined ? [oidcSettings.oidcAudience] : []),
    ...(roles === undefined ? [oidcSettings.oidcRoles] : []),
  ];
  throw new ConfigError(missing.map(({ variable, description }) => `${variable} is missing: ${description}`));
}
