import { respond, type HttpResponse } from '@eco/service';

/** The response 202 for a command whose outcome can be queried by its id. */
export function acceptedResponse(
  commandId: string,
  headers: Record<string, string>,
  members: Record<string, unknown> = {},
): HttpResponse {
  const location = { Location: `/commands/${commandId}` };
  return respond(202, { ...members, commandId, status: 'accepted' }, { ...location, ...headers });
}
