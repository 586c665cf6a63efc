import type { ClusterDescription } from '../description.js';
import type { Layout } from '../layout.js';
import type { Programs } from '../programs.js';
import type { Secrets } from '../secrets.js';
import type { Account } from './account.js';
import type { NativeProcess, ProcessSpec } from './process.js';

/** What the parts of a native cluster share. */
export interface Native {
  readonly description: ClusterDescription;
  readonly layout: Layout;
  readonly programs: Programs;
  readonly secrets: Secrets;
  readonly account: Account;
  readonly dataDir: string;
  /** What every process gets to know of ours. */
  readonly environment: Readonly<Record<string, string>>;
  /** Aborted when the cluster is to stop while it starts. */
  readonly signal: AbortSignal;
  readonly logFile: (name: string) => string;
  readonly process: (spec: ProcessSpec) => NativeProcess;
}
