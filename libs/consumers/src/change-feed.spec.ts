import type { ChangesReader } from '@eco/reads';
import { eventually } from '@eco/testing';
import { ChangeFeed } from './change-feed.js';
import { defineConsumer } from './define-consumer.js';
import type { ConsumerStore } from './consumer-store.js';
import { UnavailableError } from './unavailable.js';

const consumer = defineConsumer({ name: 'customers', entities: [], paceMs: 0, apply: async () => undefined });

/** The level and message of the first log line of a feed whose store fails. */
async function loggedOf(error: Error): Promise<string[]> {
  const lines: string[][] = [];
  const logAs = (level: string) => (_fields: object, message: string) => void lines.push([level, message]);
  const feed = new ChangeFeed({
    consumer,
    store: { applied: () => Promise.reject(error) } as unknown as ConsumerStore,
    access: { brokers: [{ host: '127.0.0.1', port: 1 }], user: 'nobody', password: '' },
    groupIds: ['g1'],
    changes: {} as ChangesReader,
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: logAs('warn'),
      error: logAs('error'),
      isLevelEnabled: () => true,
    },
  });
  feed.start();
  try {
    await eventually('it is stuck', () => feed.trouble === error.message);
  } finally {
    await feed.stop();
  }
  return lines.find(([, message]) => message?.includes('changes cannot be applied')) ?? [];
}

describe('a feed that can’t apply changes', () => {
  it.each([
    ['warn', new UnavailableError('no primary answers')],
    ['error', new TypeError('undefined is not a function')],
    ['error', new Error('column "nothing" does not exist')],
  ])('logs at level %s: %s', async (level, error) => {
    expect(await loggedOf(error)).toEqual([level, 'changes cannot be applied now']);
  });
});
