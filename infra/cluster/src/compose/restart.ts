import { Refused } from '../refused.js';
import { NotInTime, until } from '../until.js';
import { compose, composeContainers, type ComposeContainer } from './compose.js';

/** Starts the program of a service again, with its files of now. Resolves when it is ready. Throws a `Refused`. */
export async function composeRestart(service: string): Promise<void> {
  await checkService(service);
  await compose('restart', service);
  try {
    await until(
      `${service} was not ready again`,
      async () => (await composeContainers()).some((each) => each.service === service && isWell(each)),
      { deadlineMs: RESTART_MS, pauseMs: LOOK_MS },
    );
  } catch (error) {
    throw error instanceof NotInTime ? new Refused(`${error.message}: see "npx eco logs ${service} --docker"`) : error;
  }
}

/** Stops a service until it is restarted. Throws a `Refused`. */
export async function composeStop(service: string): Promise<void> {
  await checkService(service);
  await compose('stop', service);
}

/** Patroni restarts databases, and a broker that is stopped takes part of its cluster away: only our services. */
const SERVICE = /^(?:central-api|sucursal-api|read-service|shard-writer)/;
const RESTART_MS = 120_000;
const LOOK_MS = 1000;

async function checkService(service: string): Promise<void> {
  const services = (await composeContainers()).map((each) => each.service).filter((each) => SERVICE.test(each));
  if (services.includes(service)) return;
  throw new Refused(`there is no service ${service}; there are ${services.sort().join(', ')}`);
}

function isWell({ state, health }: ComposeContainer): boolean {
  return state === 'running' && (health === '' || health === 'healthy');
}
