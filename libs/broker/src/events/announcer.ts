import { headers, MAX_MESSAGE_BYTES, type Heartbeat, type ChangeEvent } from '@eco/contracts';
import { formatPosition, positionOf } from '@eco/routing';
import { BestEffortChannel } from '../best-effort-channel.js';
import type { BrokerConnection } from '../connection.js';
import type { Log } from '@eco/base';
import { heartbeatRoutingKey, eventRoutingKey, EVENTS_EXCHANGE } from '../topology.js';

/**
 * Announces what batches changed, after their commit. It never waits and never fails. A consumer that misses an event
 * sees the gap at the next event or heartbeat and reads GET /changes.
 */
export class EventAnnouncer {
  /** The caller starts and stops it. */
  readonly channel: BestEffortChannel;

  /** `connection` must carry no acknowledgements. */
  constructor({ connection, log }: { connection: BrokerConnection; log?: Log }) {
    this.channel = new BestEffortChannel({ connection, name: 'events', ...(log ? { log } : {}) });
  }

  announce(event: ChangeEvent): void {
    this.channel.send(EVENTS_EXCHANGE, eventRoutingKey(event.topic, event.group), eventContent(event), {
      headers: { [headers.position]: formatPosition(positionOf([event])) },
    });
  }

  heartbeat(heartbeat: Heartbeat): void {
    this.channel.send(EVENTS_EXCHANGE, heartbeatRoutingKey(heartbeat.group), heartbeat);
  }
}

/** A large event is sent without its changes; consumers that need them read GET /changes. */
export function eventContent(event: ChangeEvent): Buffer {
  const content = Buffer.from(JSON.stringify(event));
  if (content.length <= MAX_MESSAGE_BYTES || event.changes === undefined) return content;
  const { changes, ...announcement } = event;
  return Buffer.from(JSON.stringify(announcement));
}
