export { DATABASE_NAME, consumerSchemas, loginRoles, type ConsumerSchema, type LoginRole } from './roles/roles.js';
export { GroupMismatchError, prepareGroup, type GroupPreparation } from './prepare-group.js';
export { Progress } from './entities/progress.js';
export { CentralCustomer, CentralProgress } from './entities/central.js';
export { CENTRAL_BRANCH, DailyStatistics, StatisticsProgress } from './entities/statistics.js';
export { Notification, NotificationsProgress } from './entities/notifications.js';
