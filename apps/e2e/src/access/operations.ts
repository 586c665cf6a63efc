import { callerRoles, type Access } from '@eco/access';

/** An operation as the API document of one service states it. */
export interface StatedOperation {
  readonly method: string;
  readonly path: string;
  readonly access: Access;
}

interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { 'x-access'?: Access; security?: unknown[] }>>>>;
}

export function operationsOf(document: unknown): StatedOperation[] {
  return Object.entries((document as ApiDocument).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { 'x-access': access }]) => {
      if (access === undefined) throw new Error(`${method} ${path} states no access`);
      return { method: method.toUpperCase(), path, access };
    }),
  );
}

/** The policy table of docs/access.md: one row for each operation, with the services that have it. */
export function policyTable(services: ReadonlyMap<string, readonly StatedOperation[]>): string[] {
  const rows = new Map<string, { access: Access; names: string[] }>();
  for (const [name, operations] of services) {
    for (const { method, path, access } of operations) {
      const key = `${method} ${path}\n${JSON.stringify(access)}`;
      rows.set(key, { access, names: [...(rows.get(key)?.names ?? []), name] });
    }
  }
  const sorted = [...rows].sort(([one], [other]) => sortKey(one).localeCompare(sortKey(other), 'en'));
  return sorted.map(([key, { access, names }]) => {
    const route = key.split('\n')[0] ?? '';
    const reaches = callerRoles.map((role) => access[role] ?? '–');
    return `| ${[`\`${route}\``, names.join(', '), ...reaches, access.graceful ? 'yes' : '–'].join(' | ')} |`;
  });
}

/** Key that sorts operations by path, then by method. */
function sortKey(key: string): string {
  const [method, path] = key.split(/[ \n]/);
  return `${path} ${method}`;
}
