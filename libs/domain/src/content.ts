import { MAX_MESSAGE_BYTES } from '@eco/contracts';

/*
 * Content that is no command, kept for operators. Anybody may have sent it, so it may be anything: deep enough to break
 * JSON.stringify (near 5,000 levels) and PostgreSQL's JSON parser, too large to keep, or no text.
 */

/** Most characters of the kept content. Our publishers send no longer message, so none of their content is cut. */
export const CONTENT_LENGTH_MAX = MAX_MESSAGE_BYTES;
/** Most levels of kept content. A command has far fewer, and PostgreSQL allows some thousands. */
const DEPTH_MAX = 100;

/**
 * The form in which a value from JSON.parse is kept: the value itself, or its JSON text, cut to size, if it is deep or
 * long.
 */
export function keptJson(value: unknown, { text, depth }: JsonText): unknown {
  return depth <= DEPTH_MAX && text.length <= CONTENT_LENGTH_MAX ? value : keptText(text);
}

/** The form in which bytes that are no JSON are kept. `text`: the bytes as text, if they are UTF-8. */
export function keptBytes(bytes: Buffer, text?: string): unknown {
  if (text !== undefined) return keptText(text);
  return { base64: bytes.subarray(0, CONTENT_LENGTH_MAX).toString('base64'), bytes: bytes.length };
}

function keptText(text: string): unknown {
  return { text: text.slice(0, CONTENT_LENGTH_MAX), length: text.length };
}

export interface JsonText {
  text: string;
  /** Depth of arrays and objects; 0: neither. */
  depth: number;
}

/** The text that JSON.stringify returns for a value from JSON.parse, at any depth. */
export function jsonText(value: unknown): JsonText {
  const parts: string[] = [];
  /** Parts that are not written yet, the last one first. `verbatim` is written unchanged. */
  const todo: { verbatim?: string; value?: unknown; depth: number }[] = [{ value, depth: 0 }];
  let deepest = 0;
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { verbatim, value, depth } = next;
    if (verbatim !== undefined) parts.push(verbatim);
    else if (typeof value !== 'object' || value === null) parts.push(JSON.stringify(value) ?? 'null');
    else {
      const isArray = Array.isArray(value);
      const members = Object.entries(value);
      parts.push(isArray ? '[' : '{');
      todo.push({ verbatim: isArray ? ']' : '}', depth });
      for (let i = members.length - 1; i >= 0; i -= 1) {
        const [key, member] = members[i] as [string, unknown];
        todo.push({ value: member, depth: depth + 1 });
        const comma = i === 0 ? '' : ',';
        todo.push({ verbatim: isArray ? comma : `${comma}${JSON.stringify(key)}:`, depth });
      }
      deepest = Math.max(deepest, depth + 1);
    }
  }
  return { text: parts.join(''), depth: deepest };
}
