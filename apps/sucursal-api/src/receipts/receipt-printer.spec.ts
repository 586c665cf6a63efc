import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { eventually } from '@eco/testing';
import { PrinterError, ReceiptPrinter } from './receipt-printer.js';

const printed: string[] = [];
let open = 0;
let mostOpen = 0;
const servers: Server[] = [];

/** A printer of the test. It takes one connection after the other and keeps what each has sent. */
async function startPrinter(onConnection: (socket: Socket) => void): Promise<{ host: string; port: number }> {
  const server = createServer(onConnection);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}
const takes = (socket: Socket) => {
  const chunks: Buffer[] = [];
  open += 1;
  mostOpen = Math.max(mostOpen, open);
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('end', () => printed.push(Buffer.concat(chunks).toString('latin1')));
  socket.on('close', () => (open -= 1));
};

const warned: unknown[] = [];
const log = {
  debug() {},
  info() {},
  error() {},
  isLevelEnabled: () => false,
  warn: (line: unknown) => void warned.push(line),
};

afterAll(async () => {
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
});

it('sends receipts one after the other, in order and whole', async () => {
  const printer = new ReceiptPrinter(await startPrinter(takes), log);
  const receipts = Array.from({ length: 20 }, (_, n) => `\x1b@${String(n).repeat(10_000)}\x1dV0`);
  await Promise.all(receipts.map((receipt) => printer.print(Buffer.from(receipt, 'latin1'))));
  await eventually('all are printed', () => printed.length === receipts.length);
  expect(printed).toEqual(receipts);
  expect(mostOpen).toBe(1);
  expect(printer.state).toBe('prints');
});

it('reports a printer that is away, and goes on with the next receipt', async () => {
  const address = await startPrinter(takes);
  await new Promise((resolve) => servers.at(-1)?.close(resolve));
  const printer = new ReceiptPrinter(address, log);
  await expect(printer.print(Buffer.from('first'))).rejects.toThrow(PrinterError);
  await expect(printer.print(Buffer.from('second'))).rejects.toThrow(/ECONNREFUSED/);
  expect(printer.state).toMatch(/ECONNREFUSED/);
  expect(warned).toHaveLength(1);
});

it('reports a printer that breaks off', async () => {
  const printer = new ReceiptPrinter(await startPrinter((socket) => socket.resetAndDestroy()), log);
  await expect(printer.print(Buffer.alloc(1_000_000))).rejects.toThrow(PrinterError);
});
