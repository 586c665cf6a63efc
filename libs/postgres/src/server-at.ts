import { tlsOptions, type Address, type TlsOptions } from '@eco/base';

/** The options of a connection that name its server and state how the server is verified. */
export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly ssl: TlsOptions | false;
}

export function serverAt(node: Address): ServerOptions {
  return { host: node.host, port: node.port, ssl: tlsOptions(node) ?? false };
}
