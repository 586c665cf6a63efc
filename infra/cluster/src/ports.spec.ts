import net from 'node:net';
import { holderOf, isFree, isListening, listeningInodes, reserveFreePorts } from './ports.js';

const opened: { close(): void }[] = [];
afterEach(() => opened.splice(0).forEach((each) => each.close()));

async function listener(): Promise<number> {
  const server = net.createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(server);
  return (server.address() as net.AddressInfo).port;
}

test('finds the process that listens on a port, with pid and command', async () => {
  const port = await listener();
  expect(await isFree(port)).toBe(false);
  expect(await isListening(port)).toBe(true);
  expect(await holderOf(port)).toEqual({ pid: process.pid, command: expect.stringMatching(/node|jest/) as string });
});

test('reserves free ports, each for one caller only', async () => {
  const [one, other] = await Promise.all([reserveFreePorts(20), reserveFreePorts(20)]);
  opened.push({ close: () => one.release() }, { close: () => other.release() });
  expect(new Set([...one.ports, ...other.ports]).size).toBe(40);
  for (const port of one.ports) expect(await isFree(port)).toBe(true);
});

test('counts only listening sockets of /proc/net/tcp', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1628 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0
   1: 0100007F:1628 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0
   2: 0100007F:1629 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4244 1 0`;
  expect(listeningInodes(table, 0x1628)).toEqual(['4242']);
});
