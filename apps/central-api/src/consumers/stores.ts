import { ConsumerStore } from '@eco/database';

/** One class a schema, so that who needs which is said by type. */
export class CustomersStore extends ConsumerStore {}
export class StatisticsStore extends ConsumerStore {}
export class NotificationsStore extends ConsumerStore {}
