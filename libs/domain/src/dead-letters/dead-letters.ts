import type { Effects, Failure } from '../effects.js';
import type { BatchState } from '../state.js';
import { textOf } from '../text.js';
import type { DeadLetter, DeadLetterActionRow, DeadLetterRow, DeadLetterState } from './dead-letter.js';

/** Dead letters as loaded, plus this batch's changes. */
export class DeadLetters {
  /** Working copies of the dead letters that this batch created or changed, by id and body. */
  readonly #changed = new Map<string, DeadLetter>();
  readonly #updated = new Set<DeadLetter>();
  readonly #stored: BatchState['deadLetters'];
  readonly #effects: Pick<Effects, 'deadLetters' | 'deadLetterUpdates' | 'deadLetterActions'>;

  constructor(
    stored: BatchState['deadLetters'],
    effects: Pick<Effects, 'deadLetters' | 'deadLetterUpdates' | 'deadLetterActions'>,
  ) {
    this.#stored = stored;
    this.#effects = effects;
  }

  /** Whether there may be a dead letter with this command id. */
  hasOf(commandId: string): boolean {
    return this.#changed.size > 0 || this.#stored.has(commandId);
  }

  find(commandId: string, bodyHash: string): Readonly<DeadLetter> | undefined {
    if (this.#changed.size === 0 && this.#stored.size === 0) return undefined;
    return (
      this.#changed.get(`${commandId} ${bodyHash}`) ??
      this.#stored.get(commandId)?.find((letter) => letter.bodyHash === bodyHash)
    );
  }

  /** Keeps a command that could not be processed. Text from outside is made fit for a text column. */
  add(row: DeadLetterRow): Readonly<DeadLetter> {
    const { sentBy, command, ...letter } = {
      ...row,
      ...printed(row),
      sentBy: row.sentBy === null ? null : textOf(row.sentBy),
      sender: row.sender === null ? null : textOf(row.sender),
    };
    this.#effects.deadLetters.push({ ...letter, sentBy, command });
    const copy: DeadLetter = { ...letter, state: 'open', tries: 1, lastNumber: 0 };
    this.#changed.set(`${letter.commandId} ${letter.bodyHash}`, copy);
    return copy;
  }

  /** Records another failed try by the sender that `failure` names. */
  failAgain(letter: Readonly<DeadLetter>, failure: Failure & Pick<DeadLetter, 'sender'>): Readonly<DeadLetter> {
    const copy = this.#copyOf(letter);
    const { sender } = failure;
    return Object.assign(copy, printed(failure), { state: 'open', sender, tries: copy.tries + 1 });
  }

  /** Records an operator's action. */
  act(
    { commandId, bodyHash }: Readonly<DeadLetter>,
    state: DeadLetterState,
    action: Omit<DeadLetterActionRow, 'commandId' | 'bodyHash'>,
  ): void {
    const letter = this.find(commandId, bodyHash) as Readonly<DeadLetter>;
    Object.assign(this.#copyOf(letter), { state, lastNumber: action.number });
    this.#effects.deadLetterActions.push({ ...action, commandId, bodyHash });
  }

  #copyOf(letter: Readonly<DeadLetter>): DeadLetter {
    const key = `${letter.commandId} ${letter.bodyHash}`;
    let copy = this.#changed.get(key);
    if (copy === undefined) this.#changed.set(key, (copy = { ...letter }));
    if (!this.#updated.has(copy)) {
      this.#updated.add(copy);
      this.#effects.deadLetterUpdates.push(copy);
    }
    return copy;
  }
}

function printed({ errorClass, failureSite, reason }: Failure): Failure {
  return { errorClass, failureSite: textOf(failureSite), reason: textOf(reason) };
}
