import path from 'node:path';
import { trustAuthority } from '@eco/base';
import { openDataFolder } from './data-folder.js';
import { membersOf, type ClusterDescription } from './description.js';
import { openAuthority, type Authority } from './authority.js';
import { checkPorts, countUp, layOut, portsOf, withAuthority, type Layout, type PortUse } from './layout.js';
import type { NativeProcess, ProcessSpec } from './processes/native-process.js';
import { holderOf, isFree, reserveFreePorts, type ReservedPorts } from './ports.js';
import { Refused } from './refused.js';
import { openSecrets, type Secrets } from './secrets.js';

/**
 * Resources that the parts of a cluster share on the machine that starts them, whether its servers are processes or
 * containers.
 */
export interface Host {
  readonly description: ClusterDescription;
  readonly layout: Layout;
  readonly secrets: Secrets;
  /** Undefined: nothing is encrypted. */
  readonly authority: Authority | undefined;
  readonly dataDir: string;
  /** Environment of every process of the cluster. */
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: (name: string) => string;
  /** Aborts if the cluster must stop while it starts. */
  readonly signal: AbortSignal;
  readonly process: (spec: ProcessSpec) => NativeProcess;
  /**
   * Reports a server that could not be started while the others continue. `start` is then retried from time to time.
   */
  readonly missing: (server: string, error: Error, start: () => Promise<void>) => void;
}

/** Other processes listen on ports of the cluster. The message has one sentence per port. */
class PortsInUse extends Refused {
  override readonly name = 'PortsInUse';

  constructor(readonly conflicts: readonly string[]) {
    super(conflicts.join('\n'));
  }
}

export interface OpenedHost {
  readonly host: Omit<Host, 'process' | 'signal' | 'missing'>;
  readonly reserved: ReservedPorts;
}

/**
 * Checks everything that can be refused before anything starts, for all providers: ports, the data folder. Throws a
 * `DescriptionError`, `PortsInUse` or `ForeignFolder`.
 */
export async function openHost(description: ClusterDescription): Promise<OpenedHost> {
  const { layout, reserved } = await choosePorts(description);
  try {
    const { dataDir } = description;
    await openDataFolder(dataDir);
    const authority = description.tls ? await openAuthority(dataDir) : undefined;
    trustAuthority(authority?.certificate);
    const host = {
      description,
      layout: withAuthority(layout, authority?.certificate),
      authority,
      dataDir,
      secrets: await openSecrets(dataDir, membersOf(description)),
      environment: commonEnvironment(),
      logFile: (name: string) => path.join(dataDir, 'log', `${name}.log`),
    };
    return { host, reserved };
  } catch (error) {
    reserved.release();
    throw error;
  }
}

async function choosePorts(description: ClusterDescription): Promise<{ layout: Layout; reserved: ReservedPorts }> {
  const wantsFree = Object.values(description.ports).includes(0);
  // One more: a description without brokers still lays out one broker, which is not used.
  const count = portsOf(layOut(description, () => 0)).length + 1;
  const reserved = wantsFree ? await reserveFreePorts(count) : { ports: [], release: () => undefined };
  const free = [...reserved.ports];
  const layout = layOut(
    description,
    countUp(description, () => free.shift() ?? 0),
  );
  try {
    const uses = portsOf(layout);
    checkPorts(uses);
    const conflicts = (await Promise.all(uses.map(conflictOf))).filter((conflict) => conflict !== undefined);
    if (conflicts.length > 0) throw new PortsInUse(conflicts);
    return { layout, reserved };
  } catch (error) {
    reserved.release();
    throw error;
  }
}

async function conflictOf({ port, name, kind }: PortUse): Promise<string | undefined> {
  if (await isFree(port)) return undefined;
  const holder = await holderOf(port);
  const who = holder ? `is held by ${holder.command} (pid ${holder.pid})` : 'is held by a process of another user';
  return `port ${port}, for ${name}, ${who}: stop it, or choose another by --port-${kind}`;
}

/** Environment that servers share. It leaves out variables that a shell has set for other programs. */
function commonEnvironment(): Record<string, string> {
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME = '/', TZ } = process.env;
  return { PATH, HOME, LANG: 'C.UTF-8', ...(TZ !== undefined && { TZ }) };
}
