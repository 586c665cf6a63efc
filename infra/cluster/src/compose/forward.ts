import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { forwarded, type Forwarded } from './addresses.js';

const LOOPBACK = '127.0.0.1';

/** An address of no network (RFC 5737). The system's choice of the way to it shows the way out. */
const ELSEWHERE = '192.0.2.1';
const ANY_PORT = 9;

/**
 * The container `forwarder` of compose.yaml: it publishes the ports of containers without a way out. It listens only
 * where ports of the machine arrive. On the internal networks it would lead from each of them to all others. Resolves
 * when it listens, and goes on until the process ends.
 */
export async function forward(): Promise<void> {
  const address = await addressOfWayOut();
  // The health check uses the loopback address.
  await Promise.all(forwarded.flatMap((each) => [listen(each, address), listen(each, LOOPBACK)]));
}

/** The address of this container on the network with its default route. No packet is sent. */
async function addressOfWayOut(): Promise<string> {
  const socket = createSocket('udp4');
  try {
    socket.connect(ANY_PORT, ELSEWHERE);
    await once(socket, 'connect');
    return socket.address().address;
  } finally {
    socket.close();
  }
}

async function listen({ listen: port, host, port: target }: Forwarded, address: string): Promise<void> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
    join(client, connect({ host, port: target, allowHalfOpen: true, noDelay: true })),
  );
  server.listen(port, address);
  await once(server, 'listening');
}

/** Each end gets what the other sends. An end that fails, such as a container that does not run, ends both. */
function join(client: Socket, target: Socket): void {
  pipeline(client, target, client, (error) => {
    if (error !== undefined && error !== null) client.resetAndDestroy();
    target.destroy();
  });
}
