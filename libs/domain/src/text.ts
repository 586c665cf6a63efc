const UNPRINTABLE = /[\p{Cc}\p{Cs}]/gu;

/** Text that a text column accepts and a log shows as one line: control characters and lone surrogates are escaped. */
export function textOf(text: string): string {
  return text.replace(UNPRINTABLE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
