import { parser } from '@prometheus-io/lezer-promql';

/** The metrics that a query names. Throws an error if it is no PromQL. */
export function metricsIn(query: string): string[] {
  const metrics = new Set<string>();
  parser.parse(query).iterate({
    enter({ type, node, from, to }) {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${query}`);
      if (type.name === 'Identifier' && node.parent?.type.name === 'VectorSelector') metrics.add(query.slice(from, to));
    },
  });
  return [...metrics];
}

/** The names that a series may have in the text of `/metrics`: its own, and that of the histogram that it is part of. */
export function namesOf(series: string): string[] {
  return [series, series.replace(/_(bucket|sum|count)$/, '')];
}
