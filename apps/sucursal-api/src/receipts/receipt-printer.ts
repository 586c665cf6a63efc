import { connect } from 'node:net';
import { within, type Address, type Log } from '@eco/base';

/** A printer that has not taken a receipt after this time has no paper, or is away, ms. */
const PRINT_MS = 10_000;
/** Longest wait for the printer's end of the connection, after which the receipt counts as printed, ms. */
const CLOSE_MS = 2_000;
/** Receipts that wait for the printer. Further ones are not printed: nobody waits for that many. */
const WAITING_MAX = 100;

export class PrinterError extends Error {
  override readonly name = 'PrinterError';
}

/** A receipt printer in the network (port 9100). It takes one connection at a time, so receipts wait for their turn. */
export class ReceiptPrinter {
  readonly #address: Address;
  readonly #log: Log;
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #lastError: string | undefined;

  constructor(address: Address, log: Log) {
    this.#address = address;
    this.#log = log;
  }

  /** For people. */
  get state(): string {
    return this.#lastError ?? 'prints';
  }

  /** Resolves when the printer has taken everything. Rejects with a `PrinterError`. */
  print(commands: Buffer): Promise<void> {
    if (this.#waiting >= WAITING_MAX) {
      return Promise.reject(new PrinterError(`${WAITING_MAX} receipts wait for the printer`));
    }
    this.#waiting += 1;
    const printed = this.#turn.then(() => this.#send(commands)).finally(() => (this.#waiting -= 1));
    this.#turn = printed.catch(() => undefined);
    return printed;
  }

  async #send(commands: Buffer): Promise<void> {
    const { host, port } = this.#address;
    const socket = connect({ host, port });
    try {
      const failed = new Promise<never>((_, reject) => socket.once('error', reject));
      // Handled here too: the printer may fail while nothing waits for it.
      failed.catch(() => undefined);
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      const sent = new Promise<void>((resolve) => socket.end(commands, resolve));
      socket.resume();
      await within(PRINT_MS, Promise.race([sent, failed]), () => {
        throw new Error(`it has not taken the receipt within ${PRINT_MS / 1000} s`);
      });
      // A printer that has printed everything closes its side. Some never do.
      await within(CLOSE_MS, Promise.race([closed, failed]), () => undefined);
      this.#note(undefined);
    } catch (error) {
      this.#note(`the printer ${host}:${port} fails: ${(error as Error).message}`);
      throw new PrinterError(this.#lastError, { cause: error });
    } finally {
      socket.destroy();
    }
  }

  /** Logs a change only: without paper every receipt fails. */
  #note(error: string | undefined): void {
    if (error !== this.#lastError) {
      if (error === undefined) this.#log.info({}, 'the receipt printer prints again');
      else this.#log.warn({ error }, 'a receipt was not printed');
    }
    this.#lastError = error;
  }
}
