import { readFile } from 'node:fs/promises';
import { announceKey, createBranchKey, rotateIdKeys, useAnnouncedKey, type TokenFile } from '@eco/access';
import { sleep, type Address } from '@eco/base';
import { closeConnections, setUserPassword, whoAmI, type Management } from '@eco/broker';
import type { BrokerUser } from '@eco/contracts';
import {
  endSessions,
  NotReplicatedError,
  reloadSettings,
  setPassword,
  untilReplicasApplied,
  type SuperuserAccess,
} from '@eco/database';
import { askNodes, logIn, primaryOf } from '@eco/postgres';
import { renewedCertificate, usableAuthority } from '../authority.js';
import type { GroupLayout } from '../layout.js';
import { Refused } from '../refused.js';
import {
  adoptPassword,
  announcePassword,
  openSecrets,
  passwordsOf,
  replaceCookie,
  renewServiceCertificates,
  replacePasswordFile,
  replaceSecretFile,
  secretOwners,
  setServicePasswords,
  superuserOf,
  setServiceTokens,
  type DatabaseLogin,
  type PasswordOwner,
  type Secrets,
} from '../secrets.js';
import type { Installation } from './installation.js';

/*
 * Rotation without an outage (ADR 0079). While a password changes, the files of the services have the new one and the
 * former one. A service reads its file at each connection and tries both, so no connection depends on the moment at
 * which a server, or a replica of it, gets the new password. Sessions that are open stay open. The new password is
 * stored before a server has it, so a rotation that was interrupted is continued by the next one.
 */

export interface RotationOptions {
  /**
   * Also ends the sessions that were opened with the former password; services open new ones at once. For the signing
   * key: also refuses tokens of former keys, so people refresh.
   */
  readonly endSessions?: boolean;
}

/** Names of the secrets that are rotated while everything runs, in the order in which they are rotated. */
export function secretNames(secrets: Secrets): string[] {
  const branches = new Set(secrets.tokens.branchKeys.map(({ branchId }) => branchId));
  return [
    ...secretOwners(secrets).map(nameOf),
    ...[...branches].map((branchId) => `${BRANCH_KEY}${branchId}`),
    SIGNING_KEY,
    CERTIFICATES,
  ];
}

const SIGNING_KEY = 'signing-key';
const BRANCH_KEY = 'branch-key/';
const CERTIFICATES = 'certificates';
/** The secret from which the id keys of accounts derive. It is rotated by its name only, because that is limited. */
const ID_KEYS = 'id-keys';
/**
 * The secret that the brokers share. Nodes with different cookies refuse each other, so it changes while they are
 * stopped.
 */
export const COOKIE = 'erlang-cookie';

function nameOf({ server, name }: PasswordOwner): string {
  return `${server}/${name}`;
}

/** Rotates one secret of `secretNames`. Returns a sentence about the result. */
export async function rotateSecret(
  installation: Installation,
  name: string,
  options: RotationOptions = {},
): Promise<string> {
  if (name === SIGNING_KEY) {
    const kid = await rotateSigningKey(installation, options);
    const older = options.endSessions === true ? 'are refused' : 'are accepted until they expire';
    return `access tokens are signed with the key ${kid}; older ones ${older}`;
  }
  if (name.startsWith(BRANCH_KEY)) return rotateBranchKey(installation, name.slice(BRANCH_KEY.length));
  if (name === ID_KEYS) {
    const { tokens } = await openSecrets(installation.dir);
    await setServiceTokens(installation.dir, installation.serviceFiles, rotated(tokens));
    return 'new tokens have new id keys; a request that was sent before has its first outcome when it is repeated';
  }
  if (name === CERTIFICATES) return renewCertificates(installation);
  if (name === COOKIE) {
    const states = await Promise.all(installation.managementUrls.map(isListeningAt));
    if (states.includes(true))
      throw new Refused(`${COOKIE}: stop all brokers first, because nodes with different cookies refuse each other`);
    await replaceCookie(installation.dir);
    return 'the brokers use a new Erlang cookie from their next start on';
  }
  const owner = secretOwners(await openSecrets(installation.dir)).find((each) => nameOf(each) === name);
  if (owner === undefined) throw new Refused(`there is no secret ${name}: see "npx eco secrets list"`);
  return rotatePassword(installation, owner, options);
}

/** Throws a `Refused` if the id keys were rotated too often. */
function rotated(tokens: TokenFile): TokenFile {
  try {
    return rotateIdKeys(tokens, nowSeconds());
  } catch (error) {
    throw new Refused((error as Error).message);
  }
}

async function rotatePassword(
  installation: Installation,
  owner: PasswordOwner,
  options: RotationOptions,
): Promise<string> {
  const { dir, serviceFiles } = installation;
  const next = await announcePassword(dir, owner);
  const passwords = passwordsOf(dir, owner);
  await setServicePasswords(serviceFiles, owner, passwords);
  const said =
    owner.server === 'database'
      ? await changeInGroups(installation, owner.name, next)
      : await changeAtBrokers(installation, owner.name, next);
  await adoptPassword(dir, owner);
  await setServicePasswords(serviceFiles, owner, [next]);
  if (options.endSessions !== true) return said;
  return `${said}; ${await endSessionsOf(installation, owner)}`;
}

async function changeInGroups(installation: Installation, role: DatabaseLogin, password: string): Promise<string> {
  let absent = 0;
  for (const group of installation.groups) {
    await asSuperuserOf(installation, group, (primary) => setPassword({ ...primary, role, password }));
    for (const each of installation.passwordFiles) {
      if (each.role === role) await replacePasswordFile(each.file, role, password);
    }
    const replicas = group.nodes.length - 1;
    await asSuperuserOf(installation, group, async (primary) => {
      absent += replicas - (await untilReplicasApplied(primary, replicas).catch(refuse));
    });
  }
  const later = absent === 0 ? '' : `; ${absent} nodes do not stream and get it when they follow their primary again`;
  return `the database role ${role} has a new password${later}`;
}

function refuse(error: Error): never {
  if (!(error instanceof NotReplicatedError)) throw error;
  throw new Refused(`${error.message}; services use both passwords until the rotation is repeated`);
}

async function changeAtBrokers(installation: Installation, user: BrokerUser, password: string): Promise<string> {
  await setUserPassword(await administratorOf(installation), user, password);
  return `the broker user ${user} has a new password`;
}

async function endSessionsOf(installation: Installation, owner: PasswordOwner): Promise<string> {
  if (owner.server === 'broker') {
    await closeConnections(await administratorOf(installation), owner.name);
    return 'its connections have ended';
  }
  const failures: string[] = [];
  for (const node of installation.groups.flatMap(({ nodes }) => nodes)) {
    await asSuperuser(installation, node, (access) => endSessions(access, owner.name)).catch((error: Error) =>
      failures.push(`${node.name} (${error.message})`),
    );
  }
  if (failures.length === 0) return 'its sessions have ended';
  return `its sessions have ended, except at nodes that could not be asked: ${failures.join(', ')}`;
}

async function asSuperuserOf(
  installation: Installation,
  group: GroupLayout,
  work: (primary: SuperuserAccess) => Promise<void>,
): Promise<void> {
  const answers = await askNodes(group.nodes, superuserOf(installation.dir), ASK_MS);
  const primary = primaryOf(answers)?.node;
  if (primary === undefined) throw new Refused(`no primary of ${group.id} answers: try again when it does`);
  await asSuperuser(installation, primary, work);
}

async function asSuperuser(
  { dir }: Installation,
  node: Address,
  work: (access: SuperuserAccess) => Promise<void>,
): Promise<void> {
  const { user, password: passwords } = superuserOf(dir);
  await logIn(passwords, (password) => work({ node, superuser: { user, password } }));
}

const ASK_MS = 10_000;

async function isListeningAt(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(ASK_MS) }).then(
    () => true,
    () => false,
  );
}

/** The management API of a broker that answers, as the administrator. */
async function administratorOf({ dir, managementUrls }: Installation): Promise<Management> {
  const passwords = passwordsOf(dir, { server: 'broker', name: 'topology' });
  for (const url of managementUrls) {
    for (const password of passwords) {
      const management = { url, user: 'topology', password };
      if ((await whoAmI(management)) !== undefined) return management;
    }
  }
  throw new Refused('no broker answers at its management port: try again when one does');
}

/** Wait until every process has read its file, ms. A process reads it every 2 s, on a busy machine later. */
const READ_BY_ALL_MS = 10_000;

/**
 * Makes a new key that signs access tokens, without logging anybody out. Every service knows the new key before a token
 * is signed with it, and, without `endSessions`, the old key until its last token has expired. Returns the id of the new
 * key. If a rotation was interrupted, the next one continues it.
 */
async function rotateSigningKey({ dir, serviceFiles }: Installation, options: RotationOptions): Promise<string> {
  const announced = await announceKey((await openSecrets(dir)).tokens);
  await setServiceTokens(dir, serviceFiles, announced);
  await sleep(READ_BY_ALL_MS);
  // Read again, because the id keys may have been rotated meanwhile.
  const { keys, ...used } = useAnnouncedKey((await openSecrets(dir)).tokens, nowSeconds());
  const accepted = options.endSessions === true ? keys.filter(({ kid }) => kid === used.signingKey.kid) : keys;
  await setServiceTokens(dir, serviceFiles, { ...used, keys: accepted });
  return used.signingKey.kid;
}

/**
 * Makes a new key with which a branch reads from the read-service. The read-service knows the new key before the branch
 * uses it, and the old key until the branch has stopped using it.
 */
async function rotateBranchKey({ dir, serviceFiles }: Installation, branchId: string): Promise<string> {
  const isOfBranch = (key: { readonly branchId: string }) => key.branchId === branchId;
  const known = (await openSecrets(dir)).tokens.branchKeys.filter(isOfBranch);
  const [former, next = await createBranchKey(branchId)] = known;
  if (former === undefined) throw new Refused(`there is no key of the branch ${branchId}`);
  const write = async (...keys: (typeof former)[]) => {
    // Read again, because another secret may have been rotated meanwhile.
    const { tokens } = await openSecrets(dir);
    const branchKeys = [...tokens.branchKeys.filter((key) => !isOfBranch(key)), ...keys];
    return setServiceTokens(dir, serviceFiles, { ...tokens, branchKeys });
  };
  await write(former, next);
  await sleep(READ_BY_ALL_MS);
  await write(next, former);
  await sleep(READ_BY_ALL_MS);
  await write(next);
  return `the branch ${branchId} reads with the key ${next.kid}; its former key is refused`;
}

/**
 * Makes the certificates and keys of all servers and services again, for the same hosts. Connections that are open stay
 * open. New ones get the new certificate: of services within 2 s, of PostgreSQL at once, of RabbitMQ within two minutes.
 */
async function renewCertificates(installation: Installation): Promise<string> {
  const { dir, serviceFiles, certificateFiles, groups } = installation;
  const nodes = groups.flatMap((group) => group.nodes);
  if (nodes.every(({ authority }) => authority === undefined)) return 'there are no certificates without TLS';
  const authority = await usableAuthority(dir);
  if (authority === undefined)
    throw new Refused(`${CERTIFICATES}: the authority ends within 397 days: stop the system and start it again`);
  await renewServiceCertificates(serviceFiles, (pem) => renewedCertificate(authority, pem));
  for (const file of certificateFiles) {
    await replaceSecretFile(file, await renewedCertificate(authority, await readFile(file, 'utf8')));
  }
  const failures: string[] = [];
  for (const node of nodes) {
    await asSuperuser(installation, node, reloadSettings).catch((error: Error) =>
      failures.push(`${node.name} (${error.message})`),
    );
  }
  const said = 'all servers and services have new certificates, RabbitMQ within two minutes';
  return failures.length === 0 ? said : `${said}; these nodes get theirs at their next start: ${failures.join(', ')}`;
}

const nowSeconds = () => Math.floor(Date.now() / 1000);
