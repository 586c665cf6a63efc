/** A page of a list, from one row more than its limit if there is one. `next`: key of the last row of the page. */
export function pageOfRows<T, Body>(
  rows: readonly T[],
  limit: number,
  keyOf: (row: T) => string,
  bodyOf: (row: T) => Body,
): { readonly items: Body[]; readonly next: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { items: page.map(bodyOf), next: last !== undefined && rows.length > limit ? keyOf(last) : null };
}
