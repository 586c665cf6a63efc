import { Counter, Gauge, type Registry } from 'prom-client';
import type { Outbox } from './outbox.js';
import type { Relay } from './relay.js';

/** Registers `eco_journal_*`. A scrape reads the counts of journal and relay, so nothing is counted twice. */
export function registerJournalMetrics(registry: Registry, journal: Outbox, relay: Relay): void {
  const register = (kind: typeof Gauge | typeof Counter, name: string, help: string, read: () => number) => {
    new kind({
      name: `eco_journal_${name}`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  register(Gauge, 'commands', 'Commands that wait for the brokers', () => journal.status.depth);
  register(Gauge, 'oldest_seconds', 'Age of the oldest of them', () => {
    const { oldestAtMs } = journal;
    return oldestAtMs === undefined ? 0 : Math.max(0, Date.now() - oldestAtMs) / 1000;
  });
  register(Gauge, 'bytes', 'Size of its commands', () => journal.status.bytes);
  register(Gauge, 'limit_bytes', 'Limit of their size', () => journal.limitBytes);
  register(
    Gauge,
    'set_aside_commands',
    'Parked commands: a broker refused them, and an operator must decide',
    () => journal.status.parkedNow,
  );
  register(
    Gauge,
    'waiting_heads',
    'Queues whose next command no queue takes: their topology must be repaired',
    () => relay.alarms.size,
  );
  register(Counter, 'kept_total', 'Commands accepted into it', () => journal.status.kept);
  register(Counter, 'relayed_total', 'Commands that the brokers have confirmed since', () => journal.status.removed);
  register(Counter, 'full_total', 'Commands refused for lack of room', () => journal.status.full);
  register(
    Counter,
    'over_share_total',
    'Commands refused because their client had its share',
    () => journal.status.overShare,
  );
  register(Counter, 'failed_total', 'Commands that failed because of the disk', () => journal.status.failed);
}
