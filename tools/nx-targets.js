const { readdirSync } = require('node:fs');
const path = require('node:path');

/** The targets of a project, according to the kinds of specs that it has. nx.json states what each target runs. */
function targetsOf(root, folder) {
  const files = readdirSync(path.join(root, folder, 'src'), { recursive: true });
  // Each spec of apps/e2e needs the whole system, whatever its name: npm run test:e2e, test:messages, test:compose.
  const specs = folder === 'apps/e2e' ? [] : files.filter((file) => file.endsWith('.spec.ts'));
  const kinds = new Set(specs.map((file) => /\.(int|fault)\.spec\.ts$/.exec(file)?.[1] ?? 'test'));
  return Object.fromEntries(['build', 'lint', ...kinds].map((target) => [target, {}]));
}

// Nx calls this to find the targets, so that no project has to list them.
module.exports.createNodes = [
  '{apps,infra,libs,tools}/*/package.json',
  (files, _options, { workspaceRoot }) =>
    files.map((file) => {
      const folder = path.dirname(file);
      return [file, { projects: { [folder]: { targets: targetsOf(workspaceRoot, folder) } } }];
    }),
];
