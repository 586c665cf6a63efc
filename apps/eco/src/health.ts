import { readFileSync } from 'node:fs';
import { get } from 'node:https';

/*
 * The health check of a service's container: exits with 0 if the service is ready. It is a program of its own, because
 * it runs often and the command line takes ten times as long to load.
 */

const [port, authorityFile = '/run/eco/ca.crt'] = process.argv.slice(2);
const ANSWER_MS = 5_000;

const request = get(
  {
    ...{ host: 'localhost', port, path: '/health/ready', ca: readFileSync(authorityFile), rejectUnauthorized: true },
    signal: AbortSignal.timeout(ANSWER_MS),
  },
  ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1),
);
request.on('error', () => process.exit(1));
