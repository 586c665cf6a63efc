import { forTerminal, json } from './input.js';

it('escapes the characters that a terminal obeys or hides, and no others', () => {
  expect(forTerminal('Café ☕ añejo\n  "x"')).toBe('Café ☕ añejo\n  "x"');
  expect(forTerminal('\u001b[2J \u009b2J \r \u202egnp.exe \u200b \u2028 \u{e0041}')).toBe(
    '\\u001b[2J \\u009b2J \\u000d \\u202egnp.exe \\u200b \\u2028 \\udb40\\udc41',
  );
});

it('keeps JSON valid', () => {
  const value = { reason: 'a\u009bb\u202ec\n\u{e0041}' };
  expect(JSON.parse(forTerminal(json(value)))).toEqual(value);
});
