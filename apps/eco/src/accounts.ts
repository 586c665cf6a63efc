import type { RunningSystem } from '@eco/cluster';
import { z } from 'zod';
import { CentralClient } from './central-client.js';
import { BadInput } from './input.js';
import { openTarget, type Where } from './target.js';

export const accountSchema = z.object({
  accountId: z.string(),
  login: z.string().nullable(),
  role: z.string(),
  branchId: z.string().nullable(),
  scopes: z.array(z.string()),
  isDisabled: z.boolean(),
  createdAt: z.string(),
});
export type Account = z.infer<typeof accountSchema>;
const pageSchema = z.object({ items: z.array(accountSchema), next: z.string().nullable() });

/** The accounts of a running system, through Central's API. */
export class Accounts {
  readonly #central: CentralClient;

  private constructor(
    readonly system: RunningSystem,
    central: CentralClient,
  ) {
    this.#central = central;
  }

  static async open(where: Where): Promise<Accounts> {
    const system = await openTarget(where);
    return new Accounts(system, new CentralClient(system, 'administrator'));
  }

  ask(method: string, path: string, body?: object): Promise<unknown> {
    return this.#central.ask(method, path, body);
  }

  async all(): Promise<Account[]> {
    const found: Account[] = [];
    for (let after: string | null = ''; after !== null;) {
      const query: string = after === '' ? '' : `&after=${encodeURIComponent(after)}`;
      const page = pageSchema.parse(await this.ask('GET', `/accounts?limit=1000${query}`));
      found.push(...page.items);
      after = page.next;
    }
    return found;
  }

  /** The account with this log-in name, or undefined. */
  async known(login: string): Promise<Account | undefined> {
    const wanted = login.toLowerCase();
    return (await this.all()).find((account) => account.login === wanted);
  }

  /** The same. Throws BadInput if there is none. */
  async find(login: string): Promise<Account> {
    const found = await this.known(login);
    if (found === undefined) throw new BadInput(`there is no account ${login}: see "npx eco users list"`);
    return found;
  }
}
