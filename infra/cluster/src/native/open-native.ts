import path from 'node:path';
import type { ClusterDescription } from '../description.js';
import { openDataFolder } from '../data-folder.js';
import { checkPorts, countUp, layOut, portsOf, type Layout, type PortUse } from '../layout.js';
import { holderOf, isFree, reserveFreePorts, type ReservedPorts } from '../ports.js';
import type { Programs } from '../programs.js';
import { Refused } from '../refused.js';
import { openSecrets } from '../secrets.js';
import { accountFor } from './account.js';
import type { Native } from './native.js';

/** Somebody else listens where a process of ours should. One sentence a port. */
export class PortsInUse extends Refused {
  override readonly name = 'PortsInUse';

  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'));
  }
}

export interface OpenedNative {
  readonly native: Omit<Native, 'process' | 'signal'>;
  readonly reserved: ReservedPorts;
}

/**
 * Everything that can be refused before anything starts: ports, the data folder, as whom to run. Throws a
 * `DescriptionError`, `PortsInUse`, `ForeignFolder` or `UnreachableFolder`.
 */
export async function openNative(description: ClusterDescription, programs: Programs): Promise<OpenedNative> {
  const { layout, reserved } = await choosePorts(description);
  try {
    await openDataFolder(description.dataDir);
    const dataDir = description.dataDir;
    const native = {
      description,
      layout,
      programs,
      dataDir,
      secrets: await openSecrets(dataDir),
      account: accountFor(dataDir),
      environment: commonEnvironment(),
      logFile: (name: string) => path.join(dataDir, 'log', `${name}.log`),
    };
    return { native, reserved };
  } catch (error) {
    reserved.release();
    throw error;
  }
}

async function choosePorts(description: ClusterDescription): Promise<{ layout: Layout; reserved: ReservedPorts }> {
  const wantsFree = Object.values(description.ports).includes(0);
  const count = portsOf(layOut(description, () => 0)).length;
  const reserved = wantsFree ? await reserveFreePorts(count) : { ports: [], release: () => undefined };
  const free = [...reserved.ports];
  const layout = layOut(
    description,
    countUp(description, () => free.shift() ?? 0),
  );
  try {
    const uses = portsOf(layout);
    checkPorts(uses);
    const faults = (await Promise.all(uses.map(faultOf))).filter((fault) => fault !== undefined);
    if (faults.length > 0) throw new PortsInUse(faults);
    return { layout, reserved };
  } catch (error) {
    reserved.release();
    throw error;
  }
}

async function faultOf({ port, name, kind }: PortUse): Promise<string | undefined> {
  if (await isFree(port)) return undefined;
  const holder = await holderOf(port);
  const who = holder ? `is held by ${holder.command} (pid ${holder.pid})` : 'is held by a process of another user';
  return `port ${port}, for ${name}, ${who}: stop it, or choose another by --port-${kind}`;
}

/** Not all of ours: what a shell has set for other programs is nothing to a server. */
function commonEnvironment(): Record<string, string> {
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME = '/', TZ } = process.env;
  return { PATH, HOME, LANG: 'C.UTF-8', ...(TZ !== undefined && { TZ }) };
}
