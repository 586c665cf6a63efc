import { Refused } from '../refused.js';
import type { Say } from '../steps.js';
import { until } from '../until.js';
import { chooseNode, isReplayDone, mostAdvanced, type Detached, type ReplayProgress } from './decide.js';

/** The nodes of a group as a failover needs them. Each action has its own deadline and throws when that has passed. */
export interface GroupNodes {
  /** Ends a server with everything that it has started. Resolves when nothing of it runs any more. */
  end(name: string): Promise<void>;
  /** Makes a replica follow nobody. Resolves when no process of it receives log. */
  detach(name: string): Promise<void>;
  progress(name: string): Promise<ReplayProgress>;
  /** The replicas that alone count, by a rule that this replica has replayed. Undefined: all count. */
  counting(name: string): Promise<readonly string[] | undefined>;
  /** Creates slots for other nodes on a replica, so that it keeps the log that they lack. */
  reserve(name: string, others: readonly string[]): Promise<void>;
  /** Resolves when the replica is a primary. */
  promote(name: string): Promise<void>;
  /** Resolves when the replica streams from the primary. */
  follow(name: string, primary: string): Promise<void>;
}

export interface FailOverRequest {
  readonly lost: string;
  /** All nodes of the group. */
  readonly names: readonly string[];
  /** Replicas that have streamed from the lost primary: the others may have another history. */
  readonly attached: readonly string[];
  /** Replicas that may have acknowledged a commit of the lost primary. */
  readonly joined: readonly string[];
  readonly preferred?: string | undefined;
  readonly acceptLoss?: boolean | undefined;
  /** Pause between two looks at replay, ms. A wait for log must be seen at two looks. Default: 100. */
  readonly lookMs?: number;
}

export interface FailedOver {
  readonly primary: string;
  /** Replicas that stream from the new primary. */
  readonly followers: readonly string[];
  /** Replicas that may have had acknowledged commits and were not there. Empty: nothing is lost. */
  readonly missing: readonly string[];
}

/** A failover would risk acknowledged commits. */
export class LossNotAccepted extends Refused {
  override readonly name = 'LossNotAccepted';

  constructor(readonly missing: readonly string[]) {
    super(
      missing.length === 0
        ? 'no replica can become the primary'
        : `${missing.join(' and ')} may have confirmed decisions that the other nodes lack`,
    );
  }
}

/** The promotion of a replica was begun and did not succeed: whether it is a primary is unknown. */
export class PromotionUnknown extends Error {
  override readonly name = 'PromotionUnknown';

  constructor(
    readonly node: string,
    cause: unknown,
  ) {
    super(`the promotion of ${node} did not succeed: ${(cause as Error).message}`, { cause });
  }
}

const REPLAYED_MS = 60_000;
const LOOK_MS = 100;

/**
 * Makes another node the primary. No acknowledged commit is lost, whatever the old primary still does. Throws a
 * `LossNotAccepted` before anything is promoted, and a `PromotionUnknown` afterwards.
 */
export async function failOver(nodes: GroupNodes, request: FailOverRequest, say: Say): Promise<FailedOver> {
  const { lost, names, attached, joined, lookMs = LOOK_MS } = request;
  await nodes.end(lost);
  const detached = (
    await Promise.all(
      attached.filter((name) => name !== lost).map((name) => detach(nodes, name, lookMs).catch(notDetached(name, say))),
    )
  ).filter((each) => each !== undefined);

  const best = mostAdvanced(detached);
  const rule = best && (await nodes.counting(best.name));
  const counting = joined.filter((name) => name !== lost && (rule?.includes(name) ?? true));
  const { preferred, acceptLoss } = request;
  const choice = chooseNode({ detached, counting, preferred, acceptLoss });
  if (choice.type === 'refuse') throw new LossNotAccepted(choice.missing);

  const { name: primary } = choice;
  // The slots come first: a new primary may remove log at once.
  await nodes.reserve(
    primary,
    names.filter((name) => name !== primary),
  );
  try {
    await nodes.promote(primary);
  } catch (error) {
    throw new PromotionUnknown(primary, error);
  }
  const others = detached.filter(({ name }) => name !== primary);
  const followers = await Promise.all(
    others.map(({ name }) =>
      nodes.follow(name, primary).then(
        () => name,
        (error: Error) => void say(`${name} does not follow ${primary} yet: ${error.message}`),
      ),
    ),
  );
  return {
    primary,
    followers: followers.filter((name) => name !== undefined),
    missing: counting.filter((name) => !detached.some((each) => each.name === name)),
  };
}

async function detach(nodes: GroupNodes, name: string, pauseMs: number): Promise<Detached> {
  await nodes.detach(name);
  let before: ReplayProgress | undefined;
  const isDone = async () => {
    const now = await nodes.progress(name);
    const done = isReplayDone(before, now);
    before = now;
    return done;
  };
  await until(`${name} did not replay its log`, isDone, { deadlineMs: REPLAYED_MS, pauseMs });
  return { name, replayed: before?.replayed ?? 0n };
}

function notDetached(name: string, say: Say): (error: Error) => undefined {
  return (error) => void say(`${name} cannot take part in the failover: ${error.message}`);
}
