import { readFileSync } from 'node:fs';
import path from 'node:path';
import { settingsDir } from '../data-folder.js';
import { Refused } from '../refused.js';

const NAME = /^(?:ECO|OTEL)_[A-Z0-9_]+$/;

/**
 * Settings by which the operator replaces those that the cluster gives a service, from its next start on. An upgrade
 * leads services one by one to other servers by them. Throws a `Refused` that names a line that is none.
 */
export function ownSettings(dataDir: string, service: string): Record<string, string> {
  const file = path.join(settingsDir(dataDir), `${service}.env`);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  return settingsIn(text, file);
}

/** `NAME=value` on each line. Empty lines and those that begin with # count as none. */
export function settingsIn(text: string, file: string): Record<string, string> {
  const lines = text.split('\n').map((line) => line.trim());
  return Object.fromEntries(
    lines.flatMap((line, index): [string, string][] => {
      if (line === '' || line.startsWith('#')) return [];
      const [name = '', ...value] = line.split('=');
      if (value.length > 0 && NAME.test(name)) return [[name, value.join('=')]];
      throw new Refused(`${file}, line ${index + 1}: it must be NAME=value, with a name of a setting (ECO_…, OTEL_…)`);
    }),
  );
}
