import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const PROJECT_DIR = path.resolve(__dirname, '../../..');
const BUGS_DIR = path.join(PROJECT_DIR, 'tools/planted/bugs');

/** A bug as a patch, and the spec that must catch it. */
export interface PlantedBug {
  readonly name: string;
  readonly file: string;
  /** A sentence that states the broken behaviour. */
  readonly breaks: string;
  /** The spec's file, and the name of its test or the beginning of the name. */
  readonly spec: string;
  readonly test: string;
  /** Jest's configuration, if it is not the one at the root. */
  readonly config: string | undefined;
  /** True: the spec starts services from their build. */
  readonly needsBuild: boolean;
}

/** The planted bugs, in the order of their names. Throws if a patch lacks required lines. */
export function plantedBugs(): PlantedBug[] {
  return globSync('*.patch', { cwd: BUGS_DIR })
    .sort()
    .map((file) => readPatch(path.join(BUGS_DIR, file)));
}

/** The text before the first difference; git ignores it. */
function readPatch(file: string, text = readFileSync(file, 'utf8')): PlantedBug {
  const [head = ''] = text.split(/^diff --git /m);
  const field = (name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(head)?.[1]?.trim();
  const [breaks = ''] = head.split('\n');
  const [spec, test] = [field('Spec'), field('Test')];
  if (breaks === '' || spec === undefined || test === undefined) {
    throw new Error(`${file} must begin with a sentence that states the broken behaviour, then lines Spec: and Test:`);
  }
  return {
    name: path.basename(file, '.patch'),
    file,
    breaks,
    spec,
    test,
    config: field('Config'),
    needsBuild: field('Needs') === 'build',
  };
}
