import { ConsumerStore } from '@eco/consumers';

/** One class per schema, so that dependencies are expressed by type. */
export class CustomersStore extends ConsumerStore {}
export class StatisticsStore extends ConsumerStore {}
export class NotificationsStore extends ConsumerStore {}
