import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { operationSchema, type Operation } from './failover/operation.js';
import { Refused } from './refused.js';

/**
 * A socket on which the process of `eco up` takes operations of its own user. It is in a folder that only this user can
 * enter, outside the data folder, because the path of a socket may have at most 107 characters. The run file names it.
 */
export class Control {
  readonly #server: Server;
  readonly #dir: string;

  private constructor(dir: string, server: Server) {
    this.#dir = dir;
    this.#server = server;
  }

  static async open(operate: (operation: Operation) => Promise<string>): Promise<Control> {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'eco-control-'));
    const server = createServer((incoming, response) => {
      void answerTo(incoming, operate).then(({ status, body }) => {
        response.writeHead(status, {
          'content-type': status === 200 ? 'application/json' : 'application/problem+json',
        });
        response.end(JSON.stringify(body));
      });
    });
    const control = new Control(dir, server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(control.socket, resolve);
    });
    server.unref();
    return control;
  }

  get socket(): string {
    return path.join(this.#dir, 'socket');
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await rm(this.#dir, { recursive: true, force: true });
  }
}

async function answerTo(
  incoming: IncomingMessage,
  operate: (operation: Operation) => Promise<string>,
): Promise<{ status: number; body: object }> {
  try {
    return { status: 200, body: { result: await operate(operationSchema.parse(await json(incoming))) } };
  } catch (error) {
    const status = error instanceof Refused ? 409 : error instanceof z.ZodError ? 400 : 500;
    return { status, body: { title: 'the operation was not carried out', status, detail: (error as Error).message } };
  }
}

const answerSchema = z.object({ result: z.string().optional(), detail: z.string().optional() });

/** Asks the process of `eco up` for an operation. Throws a `Refused` with its reason. */
export async function askControl(socketPath: string, operation: Operation): Promise<string> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request({ socketPath, method: 'POST', path: '/' }, resolve);
    asked.once('error', (error) => reject(new Refused(`eco up does not answer: ${error.message}`)));
    asked.end(JSON.stringify(operation));
  });
  const { result, detail } = answerSchema.parse(await json(answer));
  if (result === undefined) throw new Refused(detail ?? 'the operation was not carried out');
  return result;
}
