import { changesOfType, defineConsumer } from '@eco/consumers';
import { In } from 'typeorm';
import { Notification } from './notification.entity.js';

/**
 * Records that a mail is due, if the address is confirmed and has got none before. The mailer sends it: an unreachable mail server stops no change.
 */
export const notificationsConsumer = defineConsumer({
  name: 'notifications',
  entities: [Notification],
  paceMs: 200,
  async apply(manager, changes) {
    const confirmed = changesOfType(changes, 'customer.registered').filter(({ data }) => data.emailConfirmed);
    const notifications = confirmed.map(({ commandId, data }) => ({
      id: commandId,
      customerId: data.customerId,
      kind: 'welcome' as const,
      email: data.email,
      state: 'unsent' as const,
      tries: 0,
      createdAt: new Date(data.registeredAt),
      nextTryAt: () => 'now()',
    }));
    await manager.getRepository(Notification).createQueryBuilder().insert().values(notifications).orIgnore().execute();
    const erased = changesOfType(changes, 'customer.erased').map(({ data }) => data.customerId);
    if (erased.length > 0) await manager.getRepository(Notification).delete({ customerId: In(erased) });
  },
});
