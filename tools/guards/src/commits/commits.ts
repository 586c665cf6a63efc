import { execFileSync } from 'node:child_process';

interface Commit {
  readonly hash: string;
  readonly subject: string;
}

// Git writes the subject of a merge itself. In a shallow clone the oldest merge looks like any other commit.
const byGit = /^Merge (?:branch|branches|commit|pull request|remote-tracking branch|tag|[0-9a-f]{40}) /;

/**
 * The commits that were made when their author had this check: a parent has the given file of it. A shallow clone does
 * not know the parents of its oldest commits, so these are checked too.
 */
export function commitsWith(file: string, repository: string): Commit[] {
  const git = (args: string[], input = '') =>
    execFileSync('git', args, { cwd: repository, input, encoding: 'utf8', maxBuffer: 2 ** 28 })
      .split('\n')
      .slice(0, -1);

  const commits = git(['log', '--no-merges', '--format=%H%x09%P%x09%s', 'HEAD']).map((line) => {
    const [hash = '', parents = '', ...subject] = line.split('\t');
    return { hash, before: parents || hash, subject: subject.join('\t') };
  });
  const found = git(['cat-file', '--batch-check'], commits.map(({ before }) => `${before}:${file}\n`).join(''));
  return commits.filter(({ subject }, index) => !found[index]?.endsWith(' missing') && !byGit.test(subject));
}
