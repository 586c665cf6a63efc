/*
 * Loaded before a writer by a spec (node --require): the process ends, as by a crash of the engine, as soon as the rules
 * are to decide a command of the customer "deadly". Nothing of the writer itself knows of this.
 */
const path = require('node:path');

const rules = require(path.join(path.dirname(require.resolve('@eco/domain')), 'batch.js'));
const { decideBatch } = rules;

rules.decideBatch = (state, arrived, parked) => {
  const isDeadly = (one) =>
    one.readable &&
    one.command.body.customerId === 'deadly' &&
    !parked?.has(one) &&
    !state.deadLetters.has(one.command.id);
  if (arrived.some(isDeadly)) process.kill(process.pid, 'SIGKILL');
  return decideBatch(state, arrived, parked);
};
