import { isFromRunningServer, isInClass, SQLSTATE, SQLSTATE_CLASS } from './sqlstate.js';

it('puts a SQLSTATE into the class of its first characters', () => {
  expect(isInClass('22003', SQLSTATE_CLASS.invalidData)).toBe(true);
  expect(isInClass('23514', SQLSTATE_CLASS.invalidData, SQLSTATE_CLASS.brokenConstraint)).toBe(true);
  expect(isInClass('57P01', SQLSTATE_CLASS.serverAway, SQLSTATE_CLASS.connection)).toBe(true);
  expect(isInClass(SQLSTATE.queryCanceled, SQLSTATE_CLASS.serverAway)).toBe(false);
  expect(isInClass(SQLSTATE.queryCanceled, SQLSTATE_CLASS.operatorIntervention)).toBe(true);
});

it('puts an error without a SQLSTATE into no class', () => {
  expect(isInClass(undefined, ...Object.values(SQLSTATE_CLASS))).toBe(false);
});

it.each([
  ['28P01', true],
  ['53300', true],
  ['57P03', false],
  ['57P01', false],
  ['08006', false],
  ['EPIPE', false],
  ['ECONNREFUSED', false],
  [undefined, false],
])('an error with the code %s is from a running server: %s', (code, is) => {
  expect(isFromRunningServer({ code })).toBe(is);
});
