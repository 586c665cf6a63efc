import { getCACertificates, setDefaultCACertificates, type SecureVersion } from 'node:tls';
import type { Address } from './address.js';

/** The oldest version of TLS that any listener or client of ours accepts. */
export const TLS_VERSION_MIN: SecureVersion = 'TLSv1.2';

/** Options of a TLS connection, as `tls.connect` takes them. */
export interface TlsOptions {
  readonly ca: string;
  readonly host: string;
  readonly minVersion: SecureVersion;
  readonly rejectUnauthorized: true;
}

/**
 * Options of a TLS connection to the server. Only its authority counts, and the certificate must name its host.
 * Undefined: the connection has no TLS.
 */
export function tlsOptions({ host, authority }: Pick<Address, 'host' | 'authority'>): TlsOptions | undefined {
  if (authority === undefined) return undefined;
  // Verification is stated, because an environment variable of Node could change its default.
  return { ca: authority, host, minVersion: TLS_VERSION_MIN, rejectUnauthorized: true };
}

/**
 * From now on this process trusts the authority, too, in connections that state no authority of their own. `fetch` needs
 * this, because it has no option for it.
 */
export function trustAuthority(authority: string | undefined): void {
  if (authority === undefined) return;
  const trusted = getCACertificates('default');
  if (!trusted.includes(authority)) setDefaultCACertificates([...trusted, authority]);
}

/** The base of the URLs of an HTTP server. */
export function baseUrl({ host, port, authority }: Address): string {
  return `${authority === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
