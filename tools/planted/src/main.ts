import { plantedBugs } from './planted-bug.js';
import { Tree } from './tree.js';
import { tryBug } from './try-bug.js';

/*
 * npm run test:planted [-- <part of a name>…]
 *
 * Plants each bug in a copy of this tree, runs the spec that must catch it, and fails unless that spec fails at an
 * assertion.
 */
async function main(wanted: readonly string[]): Promise<number> {
  const bugs = plantedBugs().filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
  if (bugs.length === 0) throw new Error(`no planted bug is called ${wanted.join(' or ')}`);
  const tree = Tree.copy();
  process.once('SIGINT', () => {
    tree.remove();
    process.exit(130);
  });
  let missed = 0;
  try {
    for (const bug of bugs) {
      const startedAt = performance.now();
      const verdict = await tryBug(tree, bug);
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      if (verdict.type !== 'caught') missed += 1;
      console.log(`${verdict.type.padEnd(8)} ${bug.name.padEnd(36)} ${String(seconds).padStart(4)} s  ${bug.spec}`);
      console.log(`         ${bug.breaks}`);
      if (verdict.type === 'caught') console.log(`         ${verdict.by}: ${verdict.says}`);
      if (verdict.type === 'unclear') console.log(`         ${verdict.why}`);
    }
  } finally {
    tree.remove();
  }
  console.log(`${bugs.length - missed} of ${bugs.length} planted bugs were caught`);
  return missed === 0 ? 0 : 1;
}

void main(process.argv.slice(2)).then((code) => (process.exitCode = code));
