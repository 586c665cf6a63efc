import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { root } from './repository.js';

/* `npm run audit` against a registry on this machine. */

const ADVISORIES = '/-/npm/v1/security/advisories/bulk';
const finding = {
  jose: [
    {
      ...{ id: 1, title: 'planted', severity: 'low', url: 'https://example.com/planted', vulnerable_versions: '*' },
      ...{ cwe: [], cvss: { score: 0, vectorString: null } },
    },
  ],
};

let server: Server;
let answer: { status: number; body: unknown };
let asked: string[];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const { status, body } = request.url === ADVISORIES ? answer : { status: 404, body: {} };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  asked = [];
});

/** Exit code of the command with this registry. */
async function audit(registry: string): Promise<number> {
  const env = {
    ...process.env,
    ...{ npm_config_registry: registry, npm_config_fetch_retries: '0', npm_config_cache_max: '0' },
  };
  try {
    await promisify(execFile)('npm', ['run', '--silent', 'audit'], { cwd: root, env });
    return 0;
  } catch (error) {
    return (error as { code: number }).code;
  }
}

const urlOf = (each: Server) => `http://127.0.0.1:${(each.address() as AddressInfo).port}/`;

// ASVS 5.0: 15.2.1
test.each<[string, number, unknown, number]>([
  ['passes without a known vulnerability', 200, {}, 0],
  ['fails on a known vulnerability of any severity', 200, finding, 1],
  ['fails when the registry refuses to answer', 405, {}, 1],
])('the audit of dependencies %s', async (_, status, body, code) => {
  answer = { status, body };
  expect(await audit(urlOf(server))).toBe(code);
  expect(asked).toContain(ADVISORIES);
});

test('the audit of dependencies fails when no registry answers', async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const url = urlOf(closed);
  await new Promise((resolve) => closed.close(resolve));
  expect(await audit(url)).toBe(1);
});
