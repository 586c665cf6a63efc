import ts from 'typescript';

/** A row of the table of times in docs/operations.md. */
export interface DocumentedTime {
  /** File and name of the constant. */
  readonly file: string;
  readonly constant: string;
  readonly ms: number;
}

const SECOND_MS = 1000;
const DAY_MS = 86_400 * SECOND_MS;
const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  min: 60 * SECOND_MS,
  h: 3600 * SECOND_MS,
  days: DAY_MS,
};

/** The rows `| meaning | 2 s | NAME of file |` of a Markdown text, name and file in backticks. */
export function documentedTimes(text: string): DocumentedTime[] {
  const rows = text.matchAll(/^\|[^|]+\| ([\d,.]+) (ms|s|min|h|days) +\| `([A-Z_]+)` of `([^`]+)` +\|$/gm);
  return [...rows].map(([, number = '', unit = '', constant = '', file = '']) => {
    return { file, constant, ms: Number(number.replaceAll(',', '')) * (unitsMs[unit] ?? NaN) };
  });
}

/**
 * The value of a constant, ms; its name states the unit, as in `WAIT_SECONDS`. Undefined: the text has no such constant,
 * or it is no product of numbers.
 */
export function timeIn(text: string, constant: string): number | undefined {
  const source = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest);
  const declared = source.statements
    .flatMap((statement) => (ts.isVariableStatement(statement) ? statement.declarationList.declarations : []))
    .find(({ name }) => ts.isIdentifier(name) && name.text === constant);
  const value = declared?.initializer === undefined ? undefined : productOf(declared.initializer);
  const unitMs = /_DAYS(_|$)/.test(constant) ? DAY_MS : /_SECONDS(_|$)/.test(constant) ? SECOND_MS : 1;
  return value === undefined ? undefined : value * unitMs;
}

function productOf(node: ts.Expression): number | undefined {
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.AsteriskToken) return undefined;
  const [left, right] = [productOf(node.left), productOf(node.right)];
  return left === undefined || right === undefined ? undefined : left * right;
}
