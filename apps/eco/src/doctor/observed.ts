import { openSecrets, readRun } from '@eco/cluster';
import { openComposeSystem } from '../compose-system.js';
import { BadInput } from '../input.js';
import { lookAt, lookAtContainers } from '../process-status.js';
import { dataDirOf, isComposeMeant, type Where } from '../target.js';
import type { Observed } from './look.js';

/** The selected system with the state of its processes. Throws BadInput if none runs. */
export async function observe(where: Where): Promise<Observed> {
  if (await isComposeMeant(where)) {
    const system = await openComposeSystem();
    return { ...system, processes: await lookAtContainers(system) };
  }
  const dataDir = dataDirOf(where);
  const run = readRun(dataDir);
  if (run === undefined) {
    throw new BadInput(
      `nothing runs with the data folder ${dataDir}: start it by "npm start", or name another with --data`,
    );
  }
  return { layout: run.layout, secrets: await openSecrets(dataDir), processes: await lookAt(run, dataDir), dataDir };
}
