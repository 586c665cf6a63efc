import fc from 'fast-check';
import { WaitingCommands } from './gathering.js';

interface Sized {
  id: number;
  bytes: number;
  count: number;
}

const limits = { commands: 4, bytes: 100 };
const frame = { aroundBytes: 10, betweenBytes: 1 };

/**
 * A step adds commands that go together (of a size, this many), takes a message ('take'), or removes the command with
 * that index ('remove').
 */
const turns = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ bytes: fc.integer({ min: 1, max: 120 }), count: fc.integer({ min: 1, max: 3 }) }),
    },
    { weight: 1, arbitrary: fc.constant('take' as const) },
    { weight: 1, arbitrary: fc.nat(20).map((id) => ({ remove: id })) },
  ),
  { maxLength: 60 },
);

describe('WaitingCommands', () => {
  it('sends each command once, in order, in messages that are as full as the limits allow', () => {
    fc.assert(
      fc.property(turns, (script) => {
        const waiting = new WaitingCommands<Sized>(limits, frame);
        const model: Sized[] = [];
        const bytesOf = (commands: Sized[]) =>
          commands.reduce((sum, { bytes }) => sum + bytes, frame.aroundBytes) +
          Math.max(0, commands.length - 1) * frame.betweenBytes;
        const countOf = (commands: Sized[]) => commands.reduce((sum, { count }) => sum + count, 0);
        let id = 0;
        for (const turn of script) {
          if (typeof turn === 'object' && 'bytes' in turn) {
            const command = { id: id++, ...turn };
            model.push(command);
            waiting.add(command);
          } else if (turn === 'take') {
            const message = waiting.takeMessage();
            const [next] = model.slice(message.length);
            expect(message).toEqual(model.splice(0, message.length));
            if (message.length > 1) {
              expect(countOf(message)).toBeLessThanOrEqual(limits.commands);
              expect(bytesOf(message)).toBeLessThanOrEqual(limits.bytes);
            }
            if (next) {
              expect(message.length).toBeGreaterThan(0);
              const oneMore = [...message, next];
              expect(countOf(oneMore) > limits.commands || bytesOf(oneMore) > limits.bytes).toBe(true);
            } else expect(model).toEqual([]);
          } else {
            const index = model.findIndex((command) => command.id === turn.remove);
            const [command = { id: -1, bytes: 0, count: 1 }] = index < 0 ? [] : model.splice(index, 1);
            expect(waiting.remove(command)).toBe(index >= 0);
          }
          expect(waiting.count).toBe(model.length);
        }
        expect(waiting.takeAll()).toEqual(model);
        expect(waiting.count).toBe(0);
      }),
    );
  });
});
