const { projects } = require('../../jest.preset.js');

module.exports = { projects: projects(__dirname) };
