import {
  applyDefinitions,
  brokerDefinitions,
  checkTopology,
  limitQueues,
  limitsOf,
  limitUser,
  queuesMax,
  removeUser,
  runningBrokers,
  userNames,
  VHOST,
  whoAmI,
  type Management,
} from '@eco/broker';
import { brokerUsersOf, FORMER_BRANCH_USER, senderNamed, type BrokerUser } from '@eco/contracts';
import { Refused } from './refused.js';
import { brokerLogin, type Members, type Secrets } from './secrets.js';
import { until } from './until.js';

export interface BrokerDeclaration extends Members {
  /** URLs of the management API of some nodes. The first that answers is used. */
  readonly urls: readonly string[];
  /** Number of nodes in the cluster. The queues' members are on them. */
  readonly brokers: number;
  /** Number of nodes that must be clustered: at least a majority. Default: all. */
  readonly running?: () => number;
  /** Longest wait for these nodes, ms. */
  readonly formMs?: number;
  /** False: only the brokers start, so that an operator can repair a queue whose arguments differ. */
  readonly forServices: boolean;
  readonly secrets: Secrets;
  readonly signal?: AbortSignal;
}

const FORM_MS = 60_000;

/**
 * Waits until the brokers are clustered, then declares users, exchanges and queues, however the brokers were started.
 * It may run at every start. Throws a `Refused` if an existing queue differs from the queue that the services rely on.
 * A queue can't be changed, and an operator must decide about its messages. The services can't check this themselves:
 * none of their users may declare a command queue, and the protocol reveals arguments only on declaration.
 */
export async function declareBrokers({
  urls,
  branchIds,
  groupIds,
  brokers,
  running = () => brokers,
  formMs = FORM_MS,
  forServices,
  secrets,
  signal,
}: BrokerDeclaration): Promise<void> {
  let management: Management | undefined;
  const found = async () => {
    management = await formedCluster(urls, running(), secrets);
    return management !== undefined;
  };
  await until('the brokers did not find each other', found, { deadlineMs: formMs, ...(signal && { signal }) });
  const administrator = management as unknown as Management;
  const users = brokerUsersOf({ branchIds, groupIds });
  const passwords = new Map(users.map((user) => [user, brokerLogin(secrets, user).password]));
  const options = { groups: [...groupIds], brokers };
  await applyDefinitions(administrator, brokerDefinitions({ ...options, passwords }));
  // From here on `topology` is used. In an earlier version `operator` was the administrator; now it may only look.
  const topology = { ...administrator, ...brokerLogin(secrets, 'topology') };
  for (const user of users) await limitUser(topology, user, limitsOf(user));
  await limitQueues(topology, VHOST, queuesMax(options));
  await removeFormerUsers(topology, users);
  if (!forServices) return;
  const faults = await checkTopology(topology, options);
  if (faults.length > 0) {
    throw new Refused(`${faults.join(' ')} The brokers start alone by "npm start -- --no-services".`);
  }
}

/** The administrator's access to a node that sees enough running ones; undefined: there is none yet. */
async function formedCluster(
  urls: readonly string[],
  running: number,
  secrets: Secrets,
): Promise<Management | undefined> {
  for (const url of urls) {
    // Data of an earlier version has `operator` as its administrator, until this start declares the users.
    const topology = brokerLogin(secrets, 'topology');
    // This password is valid if its rotation was interrupted.
    const next = secrets.next.broker['topology'];
    const logins = [topology, brokerLogin(secrets, 'operator'), ...(next ? [{ ...topology, password: next }] : [])];
    for (const login of logins) {
      const management = { url, ...login };
      const tags = await whoAmI(management);
      if (tags?.includes('administrator') !== true) continue;
      const seen = await runningBrokers(management).catch(() => 0);
      if (seen >= running) return management;
    }
  }
  return undefined;
}

/**
 * Removes users that earlier versions or descriptions declared, and RabbitMQ's default user. A password in an old file
 * is then worth nothing. Users that an operator has made stay.
 */
async function removeFormerUsers(management: Management, declared: readonly BrokerUser[]): Promise<void> {
  const former = ['guest', FORMER_BRANCH_USER, 'writer'];
  for (const name of await userNames(management)) {
    const type = senderNamed(name)?.type;
    const isMember = (type === 'branch' || type === 'writer') && !declared.includes(name as BrokerUser);
    if (former.includes(name) || isMember) await removeUser(management, name);
  }
}
