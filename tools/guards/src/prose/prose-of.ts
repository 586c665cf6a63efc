import ts from 'typescript';

/**
 * A text in which only the prose is left, at its original place. Prose is comments, and strings with a space between
 * two words (log lines, errors, test names). Code in backticks is blank.
 */
export function proseOf(text: string, isScript: boolean): string {
  const prose = isScript ? proseOfScript(text) : proseOfShell(text);
  return prose
    .replace(/^\s*(?:\*|\/\/|#)(?=\s)/gm, blank) // A phrase may continue on the next line of a comment.
    .replace(/`[^`\n]*`/g, blank);
}

function proseOfScript(script: string): string {
  const source = ts.createSourceFile('script.ts', script, ts.ScriptTarget.Latest);
  let prose = '';
  const keepComments = (to: number) => {
    prose += keep(script.slice(prose.length, to), /\/\*[^]*?\*\/|\/\/.*/g);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isLiteralExpression(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      keepComments(node.getStart(source));
      const literal = script.slice(prose.length, node.end);
      prose += /\w \w/.test(literal) ? literal.replace(/^`|`$/g, ' ') : blank(literal);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  keepComments(script.length);
  return prose;
}

function proseOfShell(text: string): string {
  return keep(text, /(?<!\S)#.*|'[^'\n]*\w \w[^'\n]*'|"[^"\n]*\w \w[^"\n]*"/g);
}

/** Blanks all but the matches. */
function keep(text: string, pattern: RegExp): string {
  let kept = '';
  for (const { 0: match, index } of text.matchAll(pattern)) kept += blank(text.slice(kept.length, index)) + match;
  return kept + blank(text.slice(kept.length));
}

function blank(text: string): string {
  return text.replace(/\S/g, ' ');
}
