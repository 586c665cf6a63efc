import { AsyncLocalStorage } from 'node:async_hooks';
import type { LoggerService } from '@nestjs/common';
import pino, { type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from './config/settings.js';
import { LogOutput } from './log-output.js';
import { mappedStack } from './mapped-stack.js';

/*
 * One JSON object per line on standard output. Every line logged while a request or a message is handled carries its
 * correlation id, from an AsyncLocalStorage that serves only the log: code that needs the id gets it as an argument.
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
 * An e-mail address, also percent-encoded as in a URL. The length of its first part is limited, so that a long text
 * takes no long time.
 */
const EMAIL_ADDRESS = /[^\s"<>@/\\?&=:,;()[\]{}]{1,254}(?:@|%(?:25)*40)[^\s"<>@/\\?&=:,;()[\]{}%]{1,253}\.\p{L}{2,}/giu;
/** A line without it has no e-mail address. */
const MARK = /@|%(?:25)*40/;

/** The line with a mark in place of each e-mail address. URLs and messages of other programs may contain some. */
function withoutEmailAddresses(line: string): string {
  return MARK.test(line) ? line.replace(EMAIL_ADDRESS, '[e-mail address]') : line;
}

/**
 * The members of an error that contain no data. PostgreSQL's `detail` has the values of a row, and TypeORM's
 * `parameters` those of a statement.
 */
function describeError(error: Error) {
  const { type, message, stack, code, constraint } = pino.stdSerializers.err(error);
  return { type, message, stack: mappedStack(stack), code: code as unknown, constraint: constraint as unknown };
}

/** The standard output, which all logs of this process share. */
let standardOutput: LogOutput | undefined;

function openStandardOutput(onRecovered: (dropped: number) => void): LogOutput {
  if (standardOutput) return standardOutput;
  const output = new LogOutput(1, { onRecovered });
  process.once('exit', () => output.writeLast());
  return (standardOutput = output);
}

/** Lines that could not be written to standard output. */
export function droppedLogLines(): number {
  return standardOutput?.dropped ?? 0;
}

/** `destination`: standard output, unless a test needs the lines. */
export function createLog(
  options: { readonly name: string; readonly logLevel: LogLevel },
  destination?: DestinationStream,
): Logger {
  const output =
    destination ??
    openStandardOutput((dropped) => log.warn({ dropped }, 'log lines were dropped while the log could not be written'));
  const log: Logger = pino(
    {
      name: options.name,
      level: options.logLevel,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      hooks: { streamWrite: withoutEmailAddresses },
      redact: { paths: SECRET_PATHS, censor: '[secret]' },
      mixin: () => {
        const correlationId = correlation.getStore();
        return correlationId === undefined ? {} : { correlationId };
      },
      // The line's own correlation id takes precedence, because an error may be logged outside of its request's
      // context.
      mixinMergeStrategy: (line, mixin) => ({ ...mixin, ...line }),
    },
    output,
  );
  return log;
}

/** Nest's own messages. Routine ones are logged at debug, warnings and errors at their level. */
export class NestLog implements LoggerService {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.#logger.debug({ nest: rest.at(-1) }, String(message));
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.#logger.debug({ nest: rest.at(-1) }, String(message));
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.#logger.trace({ nest: rest.at(-1) }, String(message));
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.#logger.warn({ nest: rest.at(-1) }, String(message));
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.#logger.error(
      {
        nest: rest.at(-1),
        stack: rest.length > 1 ? rest[0] : undefined,
        err: message instanceof Error ? message : undefined,
      },
      String(message),
    );
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.#logger.fatal({ nest: rest.at(-1) }, String(message));
  }
}
