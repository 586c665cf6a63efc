export { hex, json, plain, text, textsLiteral, type ArrayLiteral } from './array-literals.js';
export { DATABASE_NAME } from './database-name.js';
export { logIn } from './log-in.js';
export { askNodes, NodeRoles, PRIMARY_TIMELINE, primaryOf, type NodeAnswer, type PrimaryAnswer } from './node-roles.js';
export { READ_PLAN_SETTINGS, ReadError, ReadSession, SLOW_READ_PLAN_SETTINGS } from './read-session.js';
export { settingsOption } from './settings-option.js';
export { SideConnection } from './side-connection.js';
export type { Statement } from './statement.js';
export { isInClass, SQLSTATE, SQLSTATE_CLASS } from './sqlstate.js';
