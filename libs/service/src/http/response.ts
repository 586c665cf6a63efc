/**
 * A controller returns this if the status or a header depends on the result. Any other returned value is the body of a
 * 200.
 */
export class HttpResponse {
  constructor(
    readonly status: number,
    /** JSON, a text, or a `Readable`, whose data is sent as the client reads it. */
    readonly body: unknown,
    readonly headers: Readonly<Record<string, string>>,
  ) {}
}

export function respond(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return new HttpResponse(status, body, headers);
}
