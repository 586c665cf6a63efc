import type { Host } from '../host.js';
import type { Programs } from '../programs.js';
import type { Account } from './account.js';
import type { Disks } from './disks.js';
import type { Network } from './network.js';

/** What servers that are processes need. */
export interface Native extends Host {
  readonly programs: Programs;
  readonly account: Account;
  /** With `faults` in the description. */
  readonly network?: Network;
  readonly disks?: Disks;
}
