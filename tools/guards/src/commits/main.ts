import { root } from '../repository.js';
import { commitsWith } from './commits.js';
import { subjectViolations } from './subject.js';

// Prints each commit subject that breaks a rule, and ends with 1 if there is one.
const commits = commitsWith('tools/guards/src/commits/subject.ts', root);
for (const { hash, subject } of commits) {
  for (const violation of subjectViolations(subject)) {
    console.error(`${hash.slice(0, 9)} ${violation}: ${subject}`);
    process.exitCode = 1;
  }
}
console.log(`subjects of ${commits.length} commits checked`);
