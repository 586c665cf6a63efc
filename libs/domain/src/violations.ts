/** A report of zod about one field. The domain does not import `zod` itself. */
interface Issue {
  code: string;
  path: readonly PropertyKey[];
  message: string;
  /** Set for the code unrecognized_keys. */
  keys?: readonly string[];
  /** Set for the code invalid_union: the issues of each alternative. */
  errors?: readonly (readonly Issue[])[];
}

/** Each violation as `<JSON pointer>: <words>`, such as `/body/lines/0/quantity: must be at least 1`. */
export function violationsIn(issues: readonly Issue[]): string[] {
  return issues.flatMap(({ code, path, message, keys = [], errors = [] }) => {
    if (code === 'unrecognized_keys') return keys.map((key) => `${pointer([...path, key])}: is not a field of it`);
    const words = errors.flat().map((alternative) => alternative.message);
    return [`${pointer(path)}: ${words.length === 0 ? message : words.join(', or ')}`];
  });
}

/** RFC 6901; the empty pointer of the whole reads as `(all of it)`. */
function pointer(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '(all of it)';
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/**
 * Most characters of a reason. It goes into replies and logs, and a thousand violations say no more than the first
 * hundred.
 */
const REASON_LENGTH_MAX = 8_000;

/** All violations in one text; if that is very long, the first ones and the number of the others. */
export function reasonOf(violations: readonly string[]): string {
  let reason = '';
  for (const [index, violation] of violations.entries()) {
    if (reason.length + violation.length > REASON_LENGTH_MAX) {
      return `${reason}${index === 0 ? violation.slice(0, REASON_LENGTH_MAX) : ''}; and ${violations.length - index} violations more`;
    }
    reason += index === 0 ? violation : `; ${violation}`;
  }
  return reason;
}

const PLACE_LENGTH_MAX = 80;

/** The field of the first violation. Indexes are replaced by `*`, because lines and items fail alike. */
export function siteOf([first = '']: readonly string[]): string {
  const pointer = first.slice(0, first.indexOf(': ')).replace(/\/[0-9]+(?=\/|$)/g, '/*');
  return pointer.slice(0, PLACE_LENGTH_MAX);
}
