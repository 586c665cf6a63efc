import { done, type Rules } from '../rules.js';

/**
 * Closes an open dead letter. Its command gets the outcome *discarded*, which every later query returns, and a late
 * sending has no effect. There are two exceptions: another command was decided under its id, whose outcome stands; or
 * the command belongs to another group, which alone decides it.
 */
export const discardDeadLetter: Rules<'dead-letter.discard'> = {
  need({ body }, keys) {
    keys.commandIds.add(body.commandId);
  },
  decide({ kind, body }, state) {
    const { commandId, bodyHash, reason, by } = body;
    const letter = state.deadLetters.find(commandId, bodyHash);
    if (letter?.state !== 'open') return done({ discarded: false });
    const number = letter.lastNumber + 1;
    state.deadLetters.act(letter, 'discarded', { number, action: 'discard', by, result: 'discarded', reason });
    const bucket = letter.bucket ?? state.buckets.any;
    if (state.outcomeOf(commandId) === undefined && state.buckets.isOwned(bucket)) {
      state.addOutcome({
        commandId,
        bodyHash,
        kind: letter.kind ?? kind,
        bucket,
        status: 'discarded',
        result: {},
        topic: null,
        changeType: null,
        n: 0,
        changeData: null,
      });
    }
    return done({ discarded: true });
  },
};
