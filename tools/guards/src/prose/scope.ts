/** The files that are checked, as git pathspecs. */
export const included = [
  ...['*.md', '*.ts', '*.js', '*.cjs', '*.mjs', '*.sh', '*.yaml', '*.yml', '*.conf'],
  ...['.ci/run', '*/Dockerfile'],
];

/** Folders that may keep retired words: migrations that have run, and the linter itself. */
export const excluded = ['libs/database/src/migrations/', 'tools/guards/src/prose/'];
