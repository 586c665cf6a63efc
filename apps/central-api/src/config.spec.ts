import { ConfigError, settingRows } from '@eco/service';
import { documentedSettings } from '@eco/testing';
import { centralSettings, readCentralConfig } from './config.js';

it('has its settings in docs/operations.md', () => {
  expect(documentedSettings('central')).toEqual(new Set(settingRows(centralSettings)));
});

it.each([
  ['smtp://shop:secret@mail.example:587', 'must hold no login'],
  ['smtp://mail.example:587?ignoreTLS=true', 'must end with the port'],
  ['http://mail.example:587', 'must be smtp://host:port or smtps://host:port'],
])('refuses the mail server %s', (url, reason) => {
  expect(violationsOf({ ECO_SMTP_URL: url })).toContainEqual(expect.stringMatching(`^ECO_SMTP_URL ${reason}`));
});

it('refuses to run where every certificate would be accepted', () => {
  const refused = 'NODE_TLS_REJECT_UNAUTHORIZED must not be 0: this process would accept every certificate';
  expect(violationsOf({ NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toContain(refused);
  expect(violationsOf({})).not.toContain(refused);
});

function violationsOf(environment: Record<string, string>): readonly string[] {
  try {
    readCentralConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.violations;
    throw error;
  }
  return [];
}
