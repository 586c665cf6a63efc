import { DatabaseError } from 'pg';
import { presentPasswords, type Password } from '@eco/base';
import { SQLSTATE } from './sqlstate.js';

/**
 * Connects with the first present password that the server accepts. While a rotation goes on there are two, and a
 * replica accepts the new one only once it has applied the change. Throws the error of the last try.
 */
export async function logIn<T>(password: Password, connect: (password: string) => Promise<T>): Promise<T> {
  let refusal: unknown = new Error('there is no password');
  for (const each of presentPasswords(password)) {
    try {
      return await connect(each);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== SQLSTATE.invalidPassword) throw error;
      refusal = error;
    }
  }
  throw refusal;
}
