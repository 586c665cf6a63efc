import { z } from 'zod';
import type { Address } from '@eco/base';
import type { Groups } from './settings.js';

export const tlsSecretsSchema = z.object({
  authority: z.string().startsWith('-----BEGIN CERTIFICATE-----'),
  certificate: z.string().startsWith('-----BEGIN CERTIFICATE-----'),
});

/** What a process needs for TLS, in PEM, from its secrets file. */
export interface TlsFile {
  /** Certificate of the authority that has signed the certificates of all servers. */
  readonly authority: string;
  /** Certificate of this process, with its key. */
  readonly certificate: string;
  /** Reads `certificate` again, because a renewal replaces it. An error that it throws quotes nothing of the file. */
  readCertificate(): string;
}

interface Servers {
  readonly secrets: { readonly tls?: TlsFile | undefined };
  readonly brokers?: readonly Address[];
  readonly groups?: Groups;
}

/** The settings with the authority of the secrets at the address of each server: the process then speaks TLS to it. */
export function withAuthority<Config extends Servers>(config: Config): Config {
  const { brokers, groups, secrets } = config;
  const authority = secrets.tls?.authority;
  if (authority === undefined) return config;
  const signed = (addresses: readonly Address[]) => addresses.map((address) => ({ ...address, authority }));
  return {
    ...config,
    ...(brokers && { brokers: signed(brokers) }),
    ...(groups && { groups: groups.map(({ id, nodes }) => ({ id, nodes: signed(nodes) })) }),
  };
}
