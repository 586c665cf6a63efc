import { settingRows } from '@eco/service';
import { documentedSettings } from '@eco/testing';
import { centralSettings } from './config.js';

it('has its settings in docs/operations.md', () => {
  expect(documentedSettings('central')).toEqual(new Set(settingRows(centralSettings)));
});
