import { openSecrets } from '@eco/cluster';
import { openComposeSystem } from '../compose-system.js';
import { lookAt, lookAtContainers } from '../process-status.js';
import { dataDirOf, isComposeMeant, runIn, type Where } from '../target.js';
import type { Observed } from './look.js';

/** The selected system with the state of its processes. Throws BadInput if none runs. */
export async function observe(where: Where): Promise<Observed> {
  if (await isComposeMeant(where)) {
    const system = await openComposeSystem();
    return { ...system, processes: await lookAtContainers(system) };
  }
  const dataDir = dataDirOf(where);
  const run = runIn(dataDir);
  return { layout: run.layout, secrets: await openSecrets(dataDir), processes: await lookAt(run, dataDir), dataDir };
}
