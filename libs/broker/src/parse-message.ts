import { BROKER_MESSAGE_BYTES_MAX } from '@eco/contracts';

/**
 * Parses the content of a message. Throws before it parses anything if the content is longer than any that our brokers
 * accept. A broker with another limit, or a message from before the limit, must not exhaust the reader's memory.
 */
export function parseMessage(content: Buffer): unknown {
  if (content.length > BROKER_MESSAGE_BYTES_MAX) {
    throw new Error(`has ${content.length} bytes, and at most ${BROKER_MESSAGE_BYTES_MAX} are read`);
  }
  return JSON.parse(utf8.decode(content));
}

/** A strict decoder: invalid UTF-8 makes the content unreadable, and no bytes are replaced. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
