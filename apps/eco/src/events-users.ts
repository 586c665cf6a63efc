import { randomBytes } from 'node:crypto';
import { addUser, removeUser, userNames, VHOST } from '@eco/broker';
import { eventsNameSchema, eventsUser, type EventsUser } from '@eco/contracts';
import { z } from 'zod';
import type { Accounts } from './accounts.js';
import { BadInput } from './input.js';

/**
 * Programs of others that consume events. Each has a broker user, which may read events and nothing else, and an account
 * with the scope `events` for `GET /changes`. Both have the same name, `events.<name>`.
 */

interface AddedEventsUser {
  readonly user: EventsUser;
  readonly vhost: string;
  /** Of the brokers. It is stored there as a hash only. */
  readonly brokerPassword: string;
  readonly brokers: readonly string[];
  /** Of the account. */
  readonly accountPassword: string;
  readonly central: string;
  readonly readService: string;
}

const passwordSchema = z.object({ password: z.string() });

/** Throws BadInput if the name is not valid, or a broker user has it already. */
export async function addEventsUser(accounts: Accounts, name: string): Promise<AddedEventsUser> {
  const user = userNamed(name);
  const { system } = accounts;
  const management = system.management('topology');
  if ((await userNames(management)).includes(user)) {
    throw new BadInput(`there is a broker user ${user} already: "npx eco users remove --events ${name}" removes it`);
  }
  const brokerPassword = randomBytes(24).toString('base64url');
  const accountPassword = await openAccount(accounts, user);
  // The broker user comes last: as long as it is missing, the command can be repeated.
  await addUser(management, user, brokerPassword);
  return {
    user,
    vhost: VHOST,
    brokerPassword,
    brokers: system.brokers.map(({ host, port }) => `${host}:${port}`),
    accountPassword,
    central: system.urlOf('central-api'),
    readService: system.urlOf('read-service'),
  };
}

export async function removeEventsUser(accounts: Accounts, name: string): Promise<string> {
  const user = userNamed(name);
  const management = accounts.system.management('topology');
  if (!(await userNames(management)).includes(user)) throw new BadInput(`there is no broker user ${user}`);
  const account = await accounts.known(user);
  if (account !== undefined) await accounts.ask('PATCH', `/accounts/${account.accountId}`, { isDisabled: true });
  await removeUser(management, user);
  return `${user} is removed from the brokers, and its account is disabled`;
}

export function eventsUserText(added: AddedEventsUser): string {
  return [
    `user:             ${added.user}`,
    `broker password:  ${added.brokerPassword}`,
    `brokers:          ${added.brokers.join(', ')} (virtual host ${added.vhost})`,
    `account password: ${added.accountPassword}`,
    `access tokens:    POST ${added.central}/auth/token`,
    `changes:          GET ${added.readService}/changes`,
    'The passwords are shown once and stored as hashes. docs/clients.md has an example.',
  ].join('\n');
}

/** The password of the account, which is made or gets a new one. */
async function openAccount(accounts: Accounts, login: EventsUser): Promise<string> {
  const known = await accounts.known(login);
  const answer =
    known === undefined
      ? await accounts.ask('POST', '/accounts', { login, role: 'integration', scopes: ['events'] })
      : await accounts.ask('POST', `/accounts/${known.accountId}/password`);
  if (known?.isDisabled) await accounts.ask('PATCH', `/accounts/${known.accountId}`, { isDisabled: false });
  return passwordSchema.parse(answer).password;
}

function userNamed(name: string): EventsUser {
  const parsed = eventsNameSchema.safeParse(name);
  if (parsed.success) return eventsUser(parsed.data);
  throw new BadInput(`--events ${parsed.error.issues.map(({ message }) => message).join('; ')}`);
}
