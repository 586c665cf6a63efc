import { settingRows } from '@eco/service';
import { documentedSettings } from '@eco/testing';
import { readServiceSettings } from './config.js';

it('has its settings in docs/operations.md', () => {
  expect(documentedSettings('read')).toEqual(new Set(settingRows(readServiceSettings)));
});
