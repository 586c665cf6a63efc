import type { Host } from '../host.js';
import type { Programs } from '../programs.js';
import type { Account } from './account.js';
import type { Disks } from './disks.js';
import type { Network } from './network.js';

/** Host for servers that run as processes. */
export interface Native extends Host {
  readonly programs: Programs;
  readonly account: Account;
  /** The network and the disks exist if the description has `faults`. */
  readonly network?: Network;
  readonly disks?: Disks;
}
