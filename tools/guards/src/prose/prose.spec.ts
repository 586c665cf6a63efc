import { filesOf, readText } from '../repository.js';
import { lintProse } from './lint.js';
import { proseOf } from './prose-of.js';

const messagesOf = (...words: string[]) => words.map((word) => expect.stringContaining(`“${word}”`) as string);

// Goal: a retired word is found wherever there is prose, and nowhere else.
describe('the prose linter', () => {
  it.each([
    ['a document', 'README.md', 'The writer *reigns*.\n', ['reigns']],
    ['a phrase over two lines', 'README.md', '- An order lies\n  in a queue.\n', ['lies in']],
    ['a table', 'README.md', '| a | b |\n| - | - |\n| 1 | the door |\n', ['door']],
    ['a line comment', 'a.ts', 'const a = 1; // Whoever asks\n', ['Whoever']],
    ['a comment of two lines', 'a.mjs', '/**\n * What stands\n * still is dead.\n */', ['stands still']],
    ['a log line', 'a.ts', "log.info('is told to wait');", ['told']],
    ['a template', 'a.ts', 'fail(`waits beside ${a}, made anew`);', ['beside', 'anew']],
    ['the name of a test', 'a.spec.ts', "it('tells what it took', f);", ['tells']],
    ['a comment of a shell script', 'a.sh', 'run # anew\n', ['anew']],
    ['a message of a shell script', '.ci/run', 'echo "no beat was heard"\n', ['beat', 'heard']],
    ['a comment of a configuration', 'a.yaml', 'a: 1 # the door\n', ['door']],
  ])('finds a word in %s', async (_, file, text, words) => {
    expect(await lintProse(file, text)).toEqual(messagesOf(...words));
  });

  it('states the line, the column and the word to write', async () => {
    expect(await lintProse('a.ts', 'const a = 1;\nconst b = 2; // the desk\n')).toEqual([
      '2:21 Incorrect term: “desk”, use “dead-letter admin” instead',
    ]);
  });

  it.each([
    ['code', 'a.ts', "const door = { told: 'beat', beside };\nconst a = /* as it was */ /\\/\\/ anew/;"],
    ['a wire name', 'a.ts', '/** Sent with `told beat`. */\nconst a = 1;'],
    ['code of a document', 'README.md', 'The key `beat`.\n\n```\ndoor anew\n```\n'],
    ['the name of a test in a document', 'README.md', '`a.ts` › “tells”, “is\ntold” and more.\n'],
    ['a shell script', 'a.sh', 'door=anew\ncurl "$door" https://door/#anew\n'],
    ['a longer word', 'README.md', 'A standby is outdoors, and told-you-so.\n'],
  ])('accepts %s', async (_, file, text) => {
    expect(await lintProse(file, text)).toEqual([]);
  });

  it('keeps the length of every line of every script', () => {
    const lengths = (text: string) => text.split('\n').map((line) => line.length);
    for (const file of filesOf('tools/*.ts', '*.mjs')) {
      const text = readText(file);
      expect(lengths(proseOf(text, true))).toEqual(lengths(text));
    }
  });
});
