/** SQLSTATEs that this code names: the five characters of an error, from appendix A of PostgreSQL's manual. */
export const SQLSTATE = {
  featureNotSupported: '0A000',
  /** A write to a node that is not the primary. */
  readOnlyTransaction: '25006',
  /** `idle_in_transaction_session_timeout` ended the session. */
  idleInTransaction: '25P03',
  /** A prepared statement that this session does not know. */
  unknownStatement: '26000',
  invalidPassword: '28P01',
  outOfMemory: '53200',
  tooManyConnections: '53300',
  /** `statement_timeout`, or an operator's cancel. */
  queryCanceled: '57014',
} as const;

/** Classes of SQLSTATEs: their first characters. Each caller decides what a class means for it. */
export const SQLSTATE_CLASS = {
  connection: '08',
  /** A value is invalid for its type or operation. */
  invalidData: '22',
  brokenConstraint: '23',
  unknownStatement: '26',
  /** A deadlock, or a conflict with recovery. */
  rolledBack: '40',
  insufficientResources: '53',
  /** Data beyond the server's limits, such as a key too long for its index. */
  limitExceeded: '54',
  /** The state of an object does not allow the operation: a lock is not free, for example. */
  objectState: '55',
  operatorIntervention: '57',
  /** The server stops, has crashed or does not accept connections yet; in class 57. */
  serverAway: '57P',
  /** The system fails: a disk, for example. */
  systemError: '58',
} as const;

type SqlStateClass = (typeof SQLSTATE_CLASS)[keyof typeof SQLSTATE_CLASS];

/** Whether a SQLSTATE is in one of these classes; false without a SQLSTATE. */
export function isInClass(sqlState: string | undefined, ...classes: readonly SqlStateClass[]): boolean {
  return sqlState !== undefined && classes.some((prefix) => sqlState.startsWith(prefix));
}

/**
 * Whether a server that runs gave this error, which a server that stops or recovers does not. Codes of Node, such as
 * EPIPE, have no digit.
 */
export function isFromRunningServer(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string' || !/^(?=.*\d)[0-9A-Z]{5}$/.test(code)) return false;
  return !isInClass(code, SQLSTATE_CLASS.connection, SQLSTATE_CLASS.operatorIntervention);
}
