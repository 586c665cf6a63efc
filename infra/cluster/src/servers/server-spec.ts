import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PROJECT_DIR } from '../description.js';

/**
 * A server, whatever runs it. A provider puts the files into one folder, runs the start script there, signals it,
 * finds out when it is ready, and gives it a network and a disk. Everything else is in the files.
 */
export interface ServerSpec {
  readonly name: string;
  /** Texts of the files by name. They may be secret: only the server's user may read them. */
  readonly files: Readonly<Record<string, string>>;
}

/** The start script's name among the files of a server. Its first argument is the server's name. */
export const START_SCRIPT = 'start.sh';

/** Text of the start script of a kind of server. */
export function startScript(kind: 'etcd' | 'postgres' | 'rabbitmq'): Promise<string> {
  return readFile(path.join(PROJECT_DIR, 'infra/docker', kind, START_SCRIPT), 'utf8');
}

/** A file that a start script reads by `.`; each value is one word. */
export function shellVariables(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join('');
}

/** Name of the file with a server's certificate and key. */
export function certificateFile({ name }: { readonly name: string }): string {
  return `${name}.pem`;
}
