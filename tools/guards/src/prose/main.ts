import { filesOf, readText } from '../repository.js';
import { lintProse } from './lint.js';
import { excluded, included, notYet } from './scope.js';

// Says each word that is not in our vocabulary, and ends with 1 if there is one.
async function main(): Promise<void> {
  const old = new Set<string>();
  const findings: string[] = [];
  for (const file of filesOf(...included)) {
    if (excluded.some((folder) => file.startsWith(folder))) continue;
    const found = await lintProse(file, readText(file));
    const folder = notYet.find((folder) => file.startsWith(folder));
    if (folder === undefined) findings.push(...found.map((finding) => `${file}:${finding}`));
    else if (found.length > 0) old.add(folder);
  }
  for (const folder of notYet) {
    if (!old.has(folder))
      findings.push(`${folder} has no old word: take it off the list in tools/guards/src/prose/scope.ts`);
  }
  if (findings.length > 0) {
    console.error(findings.join('\n'));
    process.exitCode = 1;
  }
}

void main();
