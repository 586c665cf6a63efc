import { AsyncLocalStorage } from 'node:async_hooks';
import type { LoggerService } from '@nestjs/common';
import pino, { type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from './config/settings.js';

export type Log = Logger;

/*
 * One JSON object a line on standard output. Whatever is logged while a request or a message is handled carries its
 * correlation id, from an AsyncLocalStorage that serves the log and nothing else: code that needs the id gets it as an
 * argument.
 */
const correlation = new AsyncLocalStorage<string>();

/** Runs `work`, and all that it awaits, so that its log lines carry this id. */
export function withCorrelation<T>(correlationId: string, work: () => T): T {
  return correlation.run(correlationId, work);
}

const SECRET_PATHS = ['password', 'authorization', 'cookie', 'secrets'].flatMap((key) => [
  key,
  `*.${key}`,
  `*.*.${key}`,
]);

/**
 * Lines are gathered for a tenth of a second, so that under load a write takes many; what is left is written when the
 * process ends. Only a kill loses them.
 */
function standardOutput(): DestinationStream {
  const destination = pino.destination({ fd: 1, sync: false, minLength: 8_192, periodicFlush: 100 });
  process.once('exit', () => destination.flushSync());
  return destination;
}

/** `destination`: standard output unless a test wants the lines. */
export function createLog(
  options: { readonly name: string; readonly logLevel: LogLevel },
  destination: DestinationStream = standardOutput(),
): Log {
  return pino(
    {
      name: options.name,
      level: options.logLevel,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: '[secret]' },
      mixin: () => {
        const correlationId = correlation.getStore();
        return correlationId === undefined ? {} : { correlationId };
      },
      // A line's own correlation id wins: an error may be logged outside of its request's context.
      mixinMergeStrategy: (line, mixin) => ({ ...mixin, ...line }),
    },
    destination,
  );
}

/** What Nest says of itself. Its routine is for debugging; its warnings and errors are ours. */
export class NestLog implements LoggerService {
  constructor(private readonly logger: Log) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.logger.debug({ nest: rest.at(-1) }, String(message));
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.logger.debug({ nest: rest.at(-1) }, String(message));
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.logger.trace({ nest: rest.at(-1) }, String(message));
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn({ nest: rest.at(-1) }, String(message));
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.logger.error(
      {
        nest: rest.at(-1),
        stack: rest.length > 1 ? rest[0] : undefined,
        err: message instanceof Error ? message : undefined,
      },
      String(message),
    );
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.logger.fatal({ nest: rest.at(-1) }, String(message));
  }
}
