import { QueryFailedError } from 'typeorm';
import { sqlFailure } from './sql-failure.js';

const fromServer = (code: string) =>
  new QueryFailedError('SELECT', [], Object.assign(new Error('the server says no'), { code, severity: 'ERROR' }));

describe('sqlFailure', () => {
  it.each([
    ['08006', 'connection_failure', 'unavailable'],
    ['25006', 'read_only_sql_transaction', 'unavailable'],
    ['25P03', 'idle_in_transaction_session_timeout', 'unavailable'],
    ['40001', 'a recovery conflict', 'unavailable'],
    ['53100', 'disk_full', 'unavailable'],
    ['53300', 'too_many_connections', 'unavailable'],
    ['55P03', 'lock_not_available', 'unavailable'],
    ['57014', 'statement_timeout', 'unavailable'],
    ['57P01', 'admin_shutdown', 'unavailable'],
    ['22P02', 'invalid_text_representation', 'bad-value'],
    ['23505', 'unique_violation', 'refused'],
    ['25P02', 'in_failed_sql_transaction', 'refused'],
    ['28P01', 'invalid_password', 'refused'],
    ['42501', 'insufficient_privilege', 'refused'],
    ['42601', 'syntax_error', 'refused'],
    ['42P01', 'undefined_table', 'refused'],
    ['XX001', 'data_corrupted', 'refused'],
  ])('classifies %s (%s) as %s', (code, _name, kind) => {
    expect(sqlFailure(fromServer(code))).toBe(kind);
  });

  it.each([
    Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' }),
    Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' }),
    new QueryFailedError('SELECT', [], new Error('Connection terminated unexpectedly')),
  ])('classifies $message, which is no answer of a server, as unavailable', (error) => {
    expect(sqlFailure(error)).toBe('unavailable');
  });
});
