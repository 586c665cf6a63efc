const { config } = require('../../jest.preset.js');

module.exports = config(__dirname);
