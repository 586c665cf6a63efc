import { done, type Rules } from '../rules.js';

/**
 * Closes an open dead letter. Its command gets the outcome *discarded*, which every later query returns, and a late
 * sending has no effect. There are three exceptions: another command was decided under its id, whose outcome stands; the
 * command belongs to another group, which alone decides it; or its sender may not send it, and so has no right to its id.
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
    // No other user may send this kind.
    const sender = 'dead-letter-admin';
    state.deadLetters.act(letter, 'discarded', { number, action: 'discard', by, sender, result: 'discarded', reason });
    const bucket = letter.bucket ?? state.buckets.any;
    const isItsOwn = state.buckets.isOwned(bucket) && letter.errorClass !== 'forbidden';
    if (state.outcomeOf(commandId) === undefined && isItsOwn) {
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
        sender: letter.sender,
        actor: letter.actor,
        decidedAs: null,
      });
    }
    return done({ discarded: true });
  },
};
