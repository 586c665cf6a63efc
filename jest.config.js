const { readdirSync } = require('node:fs');
const path = require('node:path');
const { project } = require('./jest.preset.js');

// apps/e2e starts the built processes and has a configuration of its own.
const folders = ['libs', 'infra', 'tools', 'apps'].flatMap((group) =>
  readdirSync(path.join(__dirname, group)).map((name) => path.join(__dirname, group, name)),
);
const projects = (kind) => folders.filter((folder) => !folder.endsWith('e2e')).map((folder) => project(folder, kind));

module.exports = { passWithNoTests: true, projects: projects('unit') };
