/** What is read, as git pathspecs. */
export const included = [
  ...['*.md', '*.ts', '*.js', '*.cjs', '*.mjs', '*.sh', '*.yaml', '*.yml', '*.conf'],
  ...['.ci/run', '*/Dockerfile'],
];

/** What may keep its words: migrations that have run, and what has the words in order to refuse them. */
export const excluded = ['libs/database/src/migrations/', 'tools/guards/src/prose/'];
