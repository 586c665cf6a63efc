import { applyDefinitions, brokerDefinitions, checkTopology, type Management } from '@eco/broker';
import { z } from 'zod';
import { Refused } from './refused.js';
import type { Secrets } from './secrets.js';
import { until } from './until.js';

export interface BrokerDeclaration {
  /** Management API of any node, as `operator`. */
  readonly management: Management;
  readonly groupIds: readonly string[];
  /** Number of nodes in the cluster. The queues' members are on them. */
  readonly brokers: number;
  /** How many nodes must be clustered: at least a majority; default all. */
  readonly running?: () => number;
  /** False: only the brokers start, so that an operator can repair a queue whose arguments differ. */
  readonly forServices: boolean;
  readonly secrets: Secrets;
  readonly signal?: AbortSignal;
}

const FORM_MS = 60_000;

/**
 * Waits until the brokers are clustered, then declares users, exchanges and queues, however the brokers were started.
 * It may run at every start. Throws a `Refused` if an existing queue differs from what the services rely on: it can't
 * be changed, and an operator must decide about its messages. The services can't check this themselves: none of their
 * users may declare a command queue, and the protocol reveals arguments only on declaration.
 */
export async function declareBrokers({
  management,
  groupIds,
  brokers,
  running = () => brokers,
  forServices,
  secrets,
  signal,
}: BrokerDeclaration): Promise<void> {
  const found = async () => (await runningNodes(management)) >= running();
  await until('the brokers did not find each other', found, { deadlineMs: FORM_MS, ...(signal && { signal }) });
  const options = { groups: [...groupIds], brokers };
  const users = {
    operator: { password: secrets.broker.operator },
    central: { password: secrets.broker.central },
    sucursal: { password: secrets.broker.sucursal },
    writer: { password: secrets.broker.writer },
  };
  await applyDefinitions(management, brokerDefinitions({ ...options, users }));
  if (!forServices) return;
  const faults = await checkTopology(management, options);
  if (faults.length > 0) {
    throw new Refused(`${faults.join(' ')} The brokers start alone by "npm start -- --no-services".`);
  }
}

/** Number of running brokers according to this one, including itself; 0 while unknown. */
export async function runningNodes({ url, user, password }: Management): Promise<number> {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  try {
    const response = await fetch(`${url}/api/nodes`, {
      headers: { authorization },
      signal: AbortSignal.timeout(5000),
    });
    const nodes = z.array(z.object({ running: z.boolean() })).parse(await response.json());
    return nodes.filter((node) => node.running).length;
  } catch {
    return 0;
  }
}
