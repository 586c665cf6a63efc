/** What a controller returns when the status or a header depends on what happened. Anything else it returns is a 200's body. */
export class HttpResponse {
  constructor(
    readonly status: number,
    /** JSON, a text, or a `Readable`: what it gives is sent as the client takes it. */
    readonly body: unknown,
    readonly headers: Readonly<Record<string, string>>,
  ) {}
}

export function respond(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return new HttpResponse(status, body, headers);
}
