import { readAuthority } from '../authority.js';
import { withAuthority, type Layout } from '../layout.js';
import { openSecrets, type Secrets } from '../secrets.js';
import { AMQP_PORT, BRANCH_PORT, brokers, groupOf, MANAGEMENT_PORT, OPERATORS_PORT, READ_PORT } from './addresses.js';
import { allDir, readBranches, readGroups } from './configure.js';

const central = { name: 'central-api', app: 'central-api', host: 'central-api-1', port: 8000 } as const;
const readService = { name: 'read-service', app: 'read-service', host: 'read-service', port: READ_PORT } as const;

/**
 * The system of compose.yaml as its container `eco` sees it, for a machine that has only Docker. `dir` has the volume of
 * the jobs.
 */
export async function openInside(dir: string): Promise<{ layout: Layout; secrets: Secrets }> {
  const branches = (await readBranches(dir)).map(({ branchId, container }) => {
    return { name: container, app: 'sucursal-api', host: container, port: BRANCH_PORT, branchId } as const;
  });
  const layout: Layout = {
    brokers: brokers.map(({ name, host }) => ({
      ...{ name, host, amqpPort: AMQP_PORT, managementPort: MANAGEMENT_PORT, erlangPort: 0 },
    })),
    epmdPort: 0,
    groups: (await readGroups(dir)).map(groupOf),
    services: [central, ...branches, readService].map((api) => ({ ...api, operatorsPort: OPERATORS_PORT })),
  };
  const authority = await readAuthority(allDir(dir));
  return { layout: withAuthority(layout, authority), secrets: await openSecrets(allDir(dir)) };
}
