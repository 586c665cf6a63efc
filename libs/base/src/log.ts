/** The log of a process, as its parts use it. A pino logger fits. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Whether lines of this level are written. If not, the caller need not prepare one. */
  isLevelEnabled(level: 'debug' | 'info'): boolean;
}
