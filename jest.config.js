const { globSync } = require('node:fs');
const path = require('node:path');
const { config } = require('./jest.preset.js');

// All projects run in one Jest, which takes a third of the time of one Jest for each. apps/e2e starts a system first,
// so it runs by itself.
const files = globSync('{apps,infra,libs,tools}/*/package.json', { cwd: __dirname, exclude: ['apps/e2e/**'] }).sort();
module.exports = config(...files.map((file) => path.join(__dirname, path.dirname(file))));
