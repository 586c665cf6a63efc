import { applyDefinitions, brokerDefinitions, checkTopology, type Management } from '@eco/broker';
import { z } from 'zod';
import { Refused } from './refused.js';
import type { Secrets } from './secrets.js';
import { until } from './until.js';

export interface BrokerDeclaration {
  /** Of any node, as `operator`. */
  readonly management: Management;
  readonly groupIds: readonly string[];
  /** Nodes of the cluster: the queues' members lie on them. */
  readonly brokers: number;
  /** How many of them must have found each other, at least a majority; all when not given. */
  readonly running?: () => number;
  /** False: the brokers start alone, so that somebody can mend a queue that differs. */
  readonly forServices: boolean;
  readonly secrets: Secrets;
  readonly signal?: AbortSignal;
}

const FORM_MS = 60_000;

/**
 * Waits until the brokers have found each other, then declares users, exchanges and queues, whoever started the brokers.
 * May run at every start. Throws a `Refused` when a queue that is there differs from what the services rely on: it can't be
 * changed, and somebody has to decide about what lies in it. The services themselves can't look: no user of theirs may
 * declare a queue of commands, and the protocol tells arguments only to who declares.
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

/** How many brokers this one says are running, itself among them; 0 while it can't tell. */
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
