import type { CommandBody, CommandKind } from '@eco/contracts';
import type { CommandIntake } from '@eco/intake';
import { requesterOf, type DecidedInput } from './command-headers.js';
import { doneResponseOf, type DoneResponse } from './command-response.js';

/** Wait of a client that states none, s. Without load a decision takes some tens of ms. */
const WAIT_SECONDS = 5;

export interface DecidedRequest<K extends CommandKind> extends DecidedInput {
  readonly id: string;
  readonly kind: K;
  readonly body: CommandBody<K>;
}

/** Has a command decided within its request. Throws a problem unless it was done. */
export async function decideNow<K extends CommandKind>(
  intake: CommandIntake,
  { headers, caller, ...request }: DecidedRequest<K>,
): Promise<DoneResponse> {
  const waitSeconds = headers.prefer ?? WAIT_SECONDS;
  const settlement = await intake.decide({ ...request, ...requesterOf({ headers, caller }), waitSeconds });
  return doneResponseOf(settlement, request.id, headers.prefer);
}
