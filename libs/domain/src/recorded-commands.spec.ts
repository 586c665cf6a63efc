import { readFileSync } from 'node:fs';
import path from 'node:path';
import { commandKinds, type Command } from '@eco/contracts';
import { bodyHash } from './body-hash.js';
import { readCommands } from './read-commands.js';

/*
 * Commands as version 1 sent them first. A journal, a queue or a dead letter may hold one for any time, so they are
 * never changed here. A newer writer must read them, and must compute the same hash for them as an older one.
 */
const recorded = JSON.parse(readFileSync(path.join(__dirname, 'test/recorded-commands.json'), 'utf8')) as {
  command: Command;
  bodyHash: string;
}[];

describe('recorded commands', () => {
  it('have an example of each kind', () => {
    expect(recorded.map(({ command }) => command.kind).sort()).toEqual(Object.keys(commandKinds).sort());
  });

  it.each(recorded)(
    '$command.kind is read as it was sent, and has the hash that it had',
    ({ command, bodyHash: hash }) => {
      expect(readCommands({ version: 1, commands: [command] }, 'central')).toEqual([
        { readable: true, command, sender: 'central' },
      ]);
      expect(bodyHash(command)).toBe(hash);
    },
  );
});
