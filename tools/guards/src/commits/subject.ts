const SUBJECT_MAX = 72;

// These patterns exclude verbs that end like another form: Embed and Shed, Bring and Ping, Alias, Bias and Focus.
const past = /(?<!e|emb|^sh)ed$/i;
const progressive = /(?<!^(?:br|p|r|st|str|sw))ing$/i;
const thirdPerson = /(?<!s|u|ia)s$/i;

/** Violations in the subject of a commit. */
export function subjectViolations(subject: string): string[] {
  const verb = /^[\p{L}-]*/u.exec(subject)?.[0] ?? '';
  return [
    subject.length > SUBJECT_MAX && `has ${subject.length} characters, more than ${SUBJECT_MAX}`,
    !/^\p{Lu}/u.test(subject) && 'does not start with a capital letter',
    [past, progressive, thirdPerson].some((form) => form.test(verb)) && `does not start with an imperative: ${verb}`,
    subject.endsWith('.') && 'ends with a full stop',
  ].filter((violation) => violation !== false);
}
