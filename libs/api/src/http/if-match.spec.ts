import { ifMatchSchema } from './if-match.js';

it.each([
  ['*', undefined],
  ['"3"', [3]],
  ['"3", "4"', [3, 4]],
  ['"3","12"', [3, 12]],
  // A weak tag, and a tag that is no version, match nothing.
  ['W/"3"', [0]],
  ['W/"3", "4"', [4]],
  ['"a b"'.replace(' ', ''), [0]],
  ['"03"', [0]],
  ['""', [0]],
  ['"a,b", "5"', [5]],
])('If-Match: %s means the versions %j', (text, versions) => {
  expect(ifMatchSchema.parse(text)).toEqual(versions);
});

it.each(['', '3', '"3', '3"', '"3" "4"', '"3",', ', "3"', '*, "3"', 'w/"3"', Array(21).fill('"1"').join(', ')])(
  'If-Match: %s is malformed',
  (text) => {
    expect(ifMatchSchema.safeParse(text).success).toBe(false);
  },
);
