/** Name and password of a server's user. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

/**
 * A password, or a function that returns the present ones: usually one, and two while a rotation changes it. Call the
 * function at each connection, because a password can change while a process runs.
 */
export type Password = string | (() => readonly string[]);

/** Like `Login`, with a password that may change. */
export interface ChangingLogin {
  readonly user: string;
  readonly password: Password;
}

export function presentPasswords(password: Password): readonly string[] {
  return typeof password === 'string' ? [password] : password();
}
