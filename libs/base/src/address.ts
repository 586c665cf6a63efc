/** The address at which a server listens. */
export interface Address {
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** `host:port` */
export function hostPort({ host, port }: Address): string {
  return `${host}:${port}`;
}
