/** The number with separators between its thousands. */
export function whole(number: number): string {
  return number.toLocaleString('en-US');
}

/**
 * The number in `text`. If it is no whole number within the limits, a violation is added and the result is 0. Undefined:
 * it is missing, which is a usage error already.
 */
export function wholeNumberOf(
  option: string,
  text: string | undefined,
  { min = 1, max }: { min?: number; max: number },
  violations: string[],
): number {
  if (text === undefined) return 0;
  const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  violations.push(`${option} must be a whole number from ${whole(min)} to ${whole(max)}, not ${JSON.stringify(text)}`);
  return 0;
}

/** The numbers in a list such as `64,256`, each as above. */
export function wholeNumbersOf(
  option: string,
  list: string,
  limits: { min?: number; max: number },
  violations: string[],
) {
  return list.split(',').map((text) => wholeNumberOf(`each of ${option}`, text, limits, violations));
}
