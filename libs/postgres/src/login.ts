export const DATABASE_NAME = 'ecomarket';

/** Address of a database server. Its role is discovered, never configured (R7). */
export interface NodeAddress {
  host: string;
  port: number;
}

export interface Login {
  user: string;
  password: string;
}

export function nodeName({ host, port }: NodeAddress): string {
  return `${host}:${port}`;
}
