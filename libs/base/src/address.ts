/** The address at which a server listens. */
export interface Address {
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  /**
   * Certificate of the authority that must have signed the server's certificate, in PEM. Absent: the connection has no
   * TLS.
   */
  readonly authority?: string | undefined;
}

/** `host:port` */
export function hostPort({ host, port }: Pick<Address, 'host' | 'port'>): string {
  return `${host}:${port}`;
}
