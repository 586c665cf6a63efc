export { alarms } from './alarms.js';
export type { Alarm, Threshold } from './alarm.js';
export { limits } from './limits.js';
export { Metrics, type Sample } from './metrics.js';
