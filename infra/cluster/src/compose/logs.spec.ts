import { parseLogLine } from './logs.js';

it.each([
  ['central-api-1-1  | {"level":"info"}', { service: 'central-api-1', line: '{"level":"info"}' }],
  ['g1-1-1 | a | b', { service: 'g1-1', line: 'a | b' }],
  ['read-service-12  |   indented', { service: 'read-service', line: '  indented' }],
  ['broker-1-1  | ', { service: 'broker-1', line: '' }],
])('the line %s of Compose is of its service', (text, expected) => {
  expect(parseLogLine(text)).toEqual(expected);
});
