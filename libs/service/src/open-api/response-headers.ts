import { headerDocuments, headers } from '@eco/contracts';

const PLACE = '#/components/headers/';

/** The headers of a response, as references. Every response has the correlation id. */
export function responseHeaders(declared: readonly string[]): Record<string, object> {
  return Object.fromEntries(
    [...new Set([headers.correlationId, ...declared])].map((name) => {
      if (headerDocuments[name] === undefined) throw new Error(`the response header ${name} has no description`);
      return [name, { $ref: `${PLACE}${name}` }];
    }),
  );
}

/** The headers to which the paths of a document refer. */
export function headerComponents(paths: unknown): Record<string, object> {
  const text = JSON.stringify(paths);
  return Object.fromEntries(Object.entries(headerDocuments).filter(([name]) => text.includes(`"${PLACE}${name}"`)));
}
