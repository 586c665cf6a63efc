import type { PatroniGroup } from './patroni-group.js';
import type { Project } from './project.js';

interface System {
  readonly project: Project;
  readonly group: PatroniGroup;
}

type Step = (system: System, primary: string) => Promise<unknown>;

/** A loss of a primary in the containers of compose.yaml, and what brings back what was lost. */
interface Loss {
  readonly name: string;
  /** Longest time without a confirmed decision that is aimed at, s. It is printed next to the measured one. */
  readonly aimS?: number;
  readonly prepare?: Step;
  readonly lose: Step;
  readonly repair?: Step;
  /** False: the primary stays, or may stay. */
  readonly isReplaced?: boolean;
}

const ETCD = ['etcd-1', 'etcd-2', 'etcd-3'];

const killServer: Step = ({ group }, primary) => group.killServer(primary);

export const losses: readonly Loss[] = [
  { name: 'the server of the primary is killed', aimS: 10, lose: killServer },
  {
    name: 'the primary is lost with its container and its volume',
    aimS: 30,
    lose: async ({ project }, primary) => {
      await project.compose('kill', primary);
      await project.compose('rm', '--force', primary);
      await project.docker('volume', 'rm', `${project.name}_${primary}`);
    },
    repair: start,
  },
  {
    name: 'the primary is frozen',
    aimS: 30,
    lose: ({ project }, primary) => project.compose('pause', primary),
    repair: ({ project }, primary) => project.compose('unpause', primary),
  },
  {
    name: 'the network of the primary is cut, in both directions',
    aimS: 30,
    lose: ({ project }, primary) => project.cutOff(primary),
    repair: ({ project }, primary) => project.reconnect(primary),
  },
  {
    name: 'the primary is killed, and the next one as soon as it is promoted',
    isReplaced: false,
    lose: async ({ group }, primary) => {
      await group.killWhenPromoted(group.replicasOf(primary), () => group.killServer(primary));
    },
  },
  {
    name: 'the primary is killed while a replica is away',
    prepare: ({ project, group }, primary) => project.compose('stop', group.replicasOf(primary)[1]),
    lose: killServer,
    repair: (system, primary) => start(system, system.group.replicasOf(primary)[1]),
  },
  {
    name: 'the primary is killed while a replica lags',
    lose: async ({ group }, primary) => {
      const [late, other] = group.replicasOf(primary);
      await group.holdReceiver(primary, late);
      await group.killServer(primary);
      await group.untilOther(primary);
      const leader = await group.leader();
      if (leader !== other) throw new Error(`${leader} leads, though ${late} lags and ${other} does not`);
    },
    repair: ({ group }, primary) => group.resumeReceiver(group.replicasOf(primary)[0]),
  },
  { name: 'a switchover is ordered', aimS: 2, lose: ({ project }) => project.eco('switchover', '--docker') },
  {
    name: 'all nodes of etcd are killed',
    aimS: 10,
    isReplaced: false,
    lose: ({ project }) => project.compose('kill', ...ETCD),
    repair: (system) => start(system, ...ETCD),
  },
];

function start({ project }: System, ...services: string[]): Promise<unknown> {
  return project.compose('up', '--detach', '--no-deps', ...services);
}
