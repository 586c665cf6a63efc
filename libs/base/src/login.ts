/** Name and password of a server's user. */
export interface Login {
  readonly user: string;
  readonly password: string;
}
