import { seededRandom, unicodeKey } from './unicode-key.js';

describe('unicodeKey', () => {
  it('makes text that PostgreSQL can store, of every length in UTF-8, the same for the same seed', () => {
    const random = seededRandom('unicode-key');
    const keys = Array.from({ length: 20_000 }, () => unicodeKey(random));
    const points = keys.flatMap((key) => [...key].map((character) => character.codePointAt(0) ?? 0));

    expect(points.filter((point) => point === 0 || (point >= 0xd800 && point <= 0xdfff))).toEqual([]);
    expect(new Set(points.map((point) => Buffer.byteLength(String.fromCodePoint(point))))).toEqual(
      new Set([1, 2, 3, 4]),
    );
    expect(points.filter((point) => point > 0xdfff && point <= 0xffff).length).toBeGreaterThan(0);
    expect(new Set(keys).size).toBeGreaterThan(19_000);

    const again = seededRandom('unicode-key');
    expect(Array.from({ length: 100 }, () => unicodeKey(again))).toEqual(keys.slice(0, 100));
  });

  it('reaches the first and the last code point of each length', () => {
    const almostOne = 1 - 2 ** -32;
    const scripted = (numbers: number[]) => () => numbers.shift() ?? 0;
    const ends = [0, 0.25, 0.5, 0.75].map((length) => [
      unicodeKey(scripted([0, length, 0])),
      unicodeKey(scripted([0, length, almostOne])),
    ]);
    expect(ends.map((pair) => pair.map((key) => key.codePointAt(0)))).toEqual([
      [0x1, 0x7f],
      [0x80, 0x7ff],
      [0x800, 0xffff],
      [0x10000, 0x10ffff],
    ]);
  });
});
