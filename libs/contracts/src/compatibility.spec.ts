import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  changeEventSchema,
  changesPageSchema,
  heartbeatSchema,
  receivedEventSchema,
  receivedHeartbeatSchema,
  receivedPageSchema,
} from './changes.js';
import { COMMAND_MESSAGE_VERSION } from './commands.js';
import { formatChanges, formatHistory } from './compatibility.js';
import { readReplies, replyMessageSchema } from './outcomes.js';

/* Messages as version 1 sent them first; never changed here, because a newer reader must read them. */
const recorded = JSON.parse(readFileSync(path.join(__dirname, 'test/recorded-messages.json'), 'utf8')) as Record<
  'replies' | 'changeEvent' | 'beat' | 'page',
  Record<string, unknown>
>;

describe('recorded messages', () => {
  it('are read as they were sent', () => {
    expect(receivedEventSchema.parse(recorded.changeEvent)).toEqual(recorded.changeEvent);
    expect(receivedHeartbeatSchema.parse(recorded.beat)).toEqual(recorded.beat);
    expect(receivedPageSchema.parse(recorded.page)).toEqual(recorded.page);
    const { position, replies } = recorded.replies;
    expect(readReplies(recorded.replies)).toEqual({ position, replies });
  });

  it('still have the form in which they are sent', () => {
    expect(changeEventSchema.parse(recorded.changeEvent)).toEqual(recorded.changeEvent);
    expect(heartbeatSchema.parse(recorded.beat)).toEqual(recorded.beat);
    expect(changesPageSchema.parse(recorded.page)).toEqual(recorded.page);
    expect(replyMessageSchema.parse(recorded.replies)).toEqual(recorded.replies);
  });

  it('may carry fields and types of change that only a newer sender knows', () => {
    const [change] = recorded.page.changes as object[];
    const page = { ...recorded.page, changes: [change, { ...change, type: 'order.split' }] };
    const newer = { ...page, changes: page.changes.map((each) => ({ ...each, by: 'v2' })), by: 'v2' };
    expect(receivedPageSchema.parse(newer)).toEqual(page);
  });
});

describe('formatChanges', () => {
  it.each(Object.keys(formatChanges) as (keyof typeof formatChanges)[])(
    'of %s begin with version 1, and no version is left out or comes before an older one',
    (message) => {
      const versions = formatChanges[message].map(({ version }) => version);
      expect([...new Set(versions)]).toEqual(Array.from({ length: Math.max(...versions) }, (_, index) => index + 1));
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
      expect(formatHistory(message)).toMatch(/^v1: first\. Older peers: there are none\./);
    },
  );

  it('end with the version of commands that is sent', () => {
    expect(formatChanges.commands.at(-1)?.version).toBe(COMMAND_MESSAGE_VERSION);
  });
});
