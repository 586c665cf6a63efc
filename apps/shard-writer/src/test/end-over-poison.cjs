/*
 * A spec loads this before a writer (node --require). The process ends, as in a crash of the engine, when the rules are
 * about to decide a command of the customer "poison", and when a text that contains "poison to parse" is about to be
 * parsed. The writer itself does not know about it.
 */
const path = require('node:path');

const rules = require(path.join(path.dirname(require.resolve('@eco/domain')), 'batch.js'));
const { decideBatch } = rules;

rules.decideBatch = (state, arrived, parked) => {
  const isPoison = (one) =>
    one.readable &&
    one.command.body.customerId === 'poison' &&
    !parked?.has(one) &&
    !state.deadLetters.has(one.command.id);
  if (arrived.some(isPoison)) process.kill(process.pid, 'SIGKILL');
  return decideBatch(state, arrived, parked);
};

const { parse } = JSON;
JSON.parse = (text, ...rest) => {
  if (String(text).includes('poison to parse')) process.kill(process.pid, 'SIGKILL');
  return parse(text, ...rest);
};
