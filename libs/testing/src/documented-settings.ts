import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { SettingRow } from '@eco/service';

const services = ['central', 'sucursal', 'read', 'writer'] as const;
type Service = (typeof services)[number];

const operations = path.resolve(__dirname, '../../../docs/operations.md');

/** The settings of a service, as the tables in docs/operations.md have them. */
export function documentedSettings(
  service: Service,
  document = readFileSync(operations, 'utf8'),
): ReadonlySet<SettingRow> {
  const section = document.split(/^## /m).find((part) => part.startsWith('Settings of each process')) ?? '';
  const rows = new Set<SettingRow>();
  for (const [, variable = '', ...cells] of section.matchAll(/^\| `((?:ECO|OTEL)_\w+)` *\|(.*)\|(.*)\|(.*)\|$/gm)) {
    const [standard = '', description = '', of = ''] = cells.map((cell) => cell.trim().replaceAll('`', ''));
    const named = of === 'all' ? services : of.split(', ');
    const unknown = named.filter((name) => !services.some((known) => known === name));
    if (unknown.length > 0) throw new Error(`${variable} is of ${unknown.join(', ')}, which is no service`);
    if (named.includes(service)) rows.add({ variable, default: defaultOf(service, standard), description });
  }
  return rows;
}

/**
 * The default of this service in a cell such as `8000 (central), 8002 (sucursal)`. Any other cell is returned as it is.
 */
function defaultOf(service: Service, standard: string): string {
  const each = [...standard.matchAll(/(\S+) \((\w+)\)/g)];
  return each.length === 0 ? standard : (each.find(([, , name]) => name === service)?.[1] ?? '');
}
