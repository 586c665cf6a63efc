import { changesOfType, defineConsumer } from '@eco/consumers';
import { Notification } from './notification.entity.js';

/** Records that a mail is due. The mailer sends it: an unreachable mail server stops no change. */
export const notificationsConsumer = defineConsumer({
  name: 'notifications',
  entities: [Notification],
  paceMs: 200,
  async apply(manager, changes) {
    const notifications = changesOfType(changes, 'customer.registered').map(({ commandId, data }) => ({
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
  },
});
