/** What is read, as git pathspecs. */
export const included = [
  ...['*.md', '*.ts', '*.js', '*.cjs', '*.mjs', '*.sh', '*.yaml', '*.yml', '*.conf'],
  ...['.ci/run', '*/Dockerfile'],
];

/** What may keep its words: migrations that have run, and what has the words in order to refuse them. */
export const excluded = ['libs/database/src/migrations/', 'tools/guards/src/prose/'];

/** Folders that still have words of old. One that has none any more must leave this list. */
export const notYet: readonly string[] = [
  'apps/central-api/',
  'apps/e2e/',
  'apps/eco/',
  'apps/read-service/',
  'infra/cluster/',
  'infra/docker/postgres/',
  'libs/contracts/',
  'libs/edge/',
  'libs/intake/',
  'libs/journal/',
  'libs/reads/',
  'libs/routing/',
  'libs/testing/',
  'tools/bench/',
];
