import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createBranchKey, publicKeyOf, TokenVerifier, type BranchKey } from '@eco/access';
import type { Log } from '@eco/base';
import { eventually, specTokens } from '@eco/testing';
import { z } from 'zod';
import { ReadServices } from './read-services.js';

/* A read-service that the spec plays. It verifies tokens by its own clock. */

const nothing = () => undefined;
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, isLevelEnabled: () => false };
const DAY_MS = 86_400_000;

let key: BranchKey;
let server: Server;
let officeAheadMs = 0;

beforeAll(async () => {
  key = await createBranchKey('sucursal-1');
  const secrets = { ...(await specTokens), branchKeys: [publicKeyOf(key)] };
  const verifier = new TokenVerifier({ secrets, graceSeconds: 0, now: () => Date.now() + officeAheadMs });
  const answer = async ({ headers }: IncomingMessage, response: ServerResponse) => {
    const { type } = await verifier.verify(headers.authorization?.replace('Bearer ', '') ?? '');
    response.setHeader('date', new Date(Date.now() + officeAheadMs).toUTCString());
    response.writeHead(type === 'current' ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ groups: [], type }));
  };
  server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

it.each([0, DAY_MS, -DAY_MS])(
  'are read by their own clock, which is %i ms ahead of that of the branch',
  async (aheadMs) => {
    officeAheadMs = aheadMs;
    const services = new ReadServices([`http://127.0.0.1:${(server.address() as AddressInfo).port}`], key, log);
    try {
      await services.start();
      const read = () => services.read('/', z.object({ type: z.literal('current') }));
      await eventually('the token is accepted', read);
      // The clock of the branch is corrected.
      officeAheadMs = 0;
      await eventually('the token is accepted', read);
    } finally {
      await services.stop();
    }
  },
);
