import { answer, type Answer } from '@eco/edge';

/** 202 for a command whose outcome can be asked for by its id. */
export function answerAccepted(
  commandId: string,
  headers: Record<string, string>,
  members: Record<string, unknown> = {},
): Answer {
  const location = { Location: `/commands/${commandId}` };
  return answer(202, { ...members, commandId, status: 'accepted' }, { ...location, ...headers });
}
