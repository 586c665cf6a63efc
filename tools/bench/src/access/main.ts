import { createSecretKey } from 'node:crypto';
import { Controller, Get, Module } from '@nestjs/common';
import { UsageCommand, wholeNumberOf } from '@eco/cluster';
import { REQUESTS_MAX, ROUNDS_MAX } from '../options.js';
import { anonymousPrincipal, createTokenSecrets, TokenSigner, type Caller, type Verified } from '@eco/access';
import { customerPathSchema } from '@eco/contracts';
import {
  Authorization,
  createFrame,
  Input,
  operation,
  Operation,
  startService,
  type InputOf,
  type Service,
} from '@eco/service';
import { median } from '../figures.js';

/*
 * Measures the cost of authorization: one operation of the service frame, with its policy and without it. Requests are
 * injected into one process, so that the network adds no noise. Rounds alternate, so that drift affects both.
 */

const order = operation({
  id: 'placeOrder',
  summary: 'An order',
  access: { customer: 'own customer', manager: 'any' },
  path: customerPathSchema,
  answers: { 200: { description: 'Nothing' } },
});

@Controller('orders')
class Routes {
  @Get(':customerId')
  @Operation(order)
  order(@Input(order) { correlationId }: InputOf<typeof order>) {
    return { correlationId };
  }
}

@Module({ controllers: [Routes] })
class RoutesModule {}

/** An authorization without checks: every client may do everything. */
class Unguarded extends Authorization {
  readonly #caller = { principal: anonymousPrincipal(createSecretKey(Buffer.alloc(16))), reach: 'any' } as const;

  override verify(): Verified {
    return { type: 'current', principal: this.#caller.principal };
  }

  override callerOf(): Caller {
    return this.#caller;
  }
}

const program = new UsageCommand('npm run bench:access --')
  .description('compare an operation with its policy and without one; nothing else should run')
  .option('--requests <n>', 'of each round', '20000')
  .option('--rounds <n>', 'each measures both', '9')
  .option('--json', 'print JSON')
  .action(run);

/** CPU of one request, µs. */
export interface AccessResult {
  readonly figures: { readonly guardedMicros: number; readonly openMicros: number; readonly differenceMicros: number };
}

interface Options {
  readonly requests: string;
  readonly rounds: string;
  readonly json?: true;
}

async function run(options: Options): Promise<void> {
  const violations: string[] = [];
  const requests = wholeNumberOf('--requests', options.requests, { max: REQUESTS_MAX }, violations);
  const rounds = wholeNumberOf('--rounds', options.rounds, { max: ROUNDS_MAX }, violations);
  program.refuse(violations);
  const secrets = await createTokenSecrets();
  const settings = { secrets, graceSeconds: 0, branchId: null };
  const [guarded, open] = await Promise.all([start(new Authorization(settings)), start(new Unguarded(settings))]);
  try {
    const token = await new TokenSigner(secrets).sign({ id: 'bench', role: 'customer', customerId: 'ana' }, 3_600);
    const request = { method: 'GET', url: '/orders/ana', headers: { authorization: `Bearer ${token}` } } as const;
    const microsOf = async ({ app }: Service): Promise<number> => {
      const fastify = app.getHttpAdapter().getInstance();
      const before = process.cpuUsage();
      for (let sent = 0; sent < requests; sent += 1) {
        const { statusCode } = await fastify.inject(request);
        if (statusCode !== 200) throw new Error(`the operation answered ${statusCode}`);
      }
      const { user, system } = process.cpuUsage(before);
      return (user + system) / requests;
    };
    const measured: { guarded: number; open: number }[] = [];
    await microsOf(guarded);
    await microsOf(open);
    for (let round = 1; round <= rounds; round += 1) {
      const openFirst = round % 2 === 0;
      const one = await microsOf(openFirst ? open : guarded);
      const other = await microsOf(openFirst ? guarded : open);
      measured.push(openFirst ? { open: one, guarded: other } : { guarded: one, open: other });
    }
    const figures: AccessResult['figures'] = {
      guardedMicros: median(measured.map((each) => each.guarded)) ?? 0,
      openMicros: median(measured.map((each) => each.open)) ?? 0,
      differenceMicros: median(measured.map((each) => each.guarded - each.open)) ?? 0,
    };
    const text = Object.entries(figures).map(([name, micros]) => `${name} ${micros.toFixed(1)}`);
    console.log(options.json ? JSON.stringify({ figures, measured }, null, 2) : text.join('\n'));
  } finally {
    await Promise.all([guarded.stop(), open.stop()]);
  }
}

function start(authorization: Authorization): Promise<Service> {
  const frame = createFrame({
    ...{ name: 'bench', host: '127.0.0.1', port: 0, logLevel: 'silent' },
    // One client sends all requests.
    ...{ requestsPerMinute: Number.MAX_SAFE_INTEGER, anonymousRequestsPerMinute: Number.MAX_SAFE_INTEGER },
  });
  return startService(frame, { module: RoutesModule, authorization });
}

program.parseAsync().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
