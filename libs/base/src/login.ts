/** Of a user of a server. */
export interface Login {
  readonly user: string;
  readonly password: string;
}
