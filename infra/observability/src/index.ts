export { alarms } from './alarms.js';
