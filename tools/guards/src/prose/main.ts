import { filesOf, readText } from '../repository.js';
import { lintProse } from './lint.js';
import { excluded, included } from './scope.js';

// Prints each word that is not in our vocabulary, and ends with 1 if there is one.
async function main(): Promise<void> {
  const findings: string[] = [];
  for (const file of filesOf(...included)) {
    if (excluded.some((folder) => file.startsWith(folder))) continue;
    const found = await lintProse(file, readText(file));
    findings.push(...found.map((finding) => `${file}:${finding}`));
  }
  if (findings.length > 0) {
    console.error(findings.join('\n'));
    process.exitCode = 1;
  }
}

void main();
