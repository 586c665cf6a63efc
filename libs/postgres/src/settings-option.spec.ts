import { settingsOption } from './settings-option.js';

it('is one -c for each setting, in order', () => {
  expect(settingsOption({ jit: 'off', statement_timeout: '5s' })).toBe('-c jit=off -c statement_timeout=5s');
  expect(settingsOption({})).toBe('');
});

it('escapes white space, at which the server would split, and backslashes', () => {
  expect(settingsOption({ default_transaction_isolation: 'read committed', application_name: 'a\\b' })).toBe(
    '-c default_transaction_isolation=read\\ committed -c application_name=a\\\\b',
  );
});
