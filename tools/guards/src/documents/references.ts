import path from 'node:path';
import ts from 'typescript';

/** Returns the text of a file, '' for a folder, and undefined for neither. The path is from the root. */
export type Repository = (path: string) => string | undefined;

/** References in a Markdown file that lead nowhere: tests, files, links and their anchors. */
export function brokenReferences(file: string, repository: Repository): string[] {
  const text = repository(file) ?? '';
  const broken = [brokenTests(text, repository), brokenPaths(text, repository), brokenLinks(file, text, repository)];
  return [...new Set(broken.flat())];
}

/** A test that a document names. A name that ends with … is the beginning of one. */
export interface NamedTest {
  readonly file: string;
  readonly name: string;
}

/** Finds each `path` › “name”, “name” and “name”. */
export function testsNamedIn(text: string): NamedTest[] {
  return [...text.matchAll(/`([^`\s]+\/[^`\s]+)`\s*›((?:\s*(?:,|and)*\s*“[^”]+”)+)/g)].flatMap(
    ([, file = '', names = '']) =>
      [...names.matchAll(/“([^”]+)”/g)].map(([, name = '']) => ({ file, name: plain(name) })),
  );
}

function brokenTests(text: string, repository: Repository): string[] {
  return testsNamedIn(text).flatMap(({ file, name }) => {
    const source = repository(file);
    if (source === undefined) return [`no file ${file}`];
    return stringsOf(source).some((string) => isNamed(string, name)) ? [] : [`no test “${name}” in ${file}`];
  });
}

const isNamed = (string: string, name: string) =>
  name.endsWith('…') ? string.startsWith(name.slice(0, -1)) : string === name;

/** The text as it is compared: one space between words, and straight apostrophes. */
export const plain = (text: string) => text.replace(/\s+/g, ' ').replaceAll('’', "'");

function stringsOf(source: string): string[] {
  const strings: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) strings.push(plain(node.text));
    else if (ts.isTemplateExpression(node)) strings.push(plain(node.getText().slice(1, -1)));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true));
  return strings;
}

/** Finds each path from the root in backticks. A path with a placeholder names no file. */
function brokenPaths(text: string, repository: Repository): string[] {
  return [...text.matchAll(/`((?:apps|libs|infra|tools|docs)\/[^`\s*{}$<>…]+)`/g)]
    .filter(([, file = '']) => repository(file) === undefined)
    .map(([, file]) => `no file ${file}`);
}

function brokenLinks(file: string, text: string, repository: Repository): string[] {
  return [...withoutCode(text).matchAll(/\]\(<?([^)\s>]+)|\b(?:src|srcset|href)="([^"]+)"|^\[[^\]]+\]: (\S+)/gm)]
    .map(([, inline, html, reference]) => inline ?? html ?? reference ?? '')
    .filter((link) => !/^\w+:/.test(link))
    .filter((link) => {
      const [target = '', anchor] = link.split('#');
      const linked = target === '' ? file : path.posix.join(path.posix.dirname(file), target);
      const content = repository(linked);
      return content === undefined || (anchor !== undefined && !anchorsOf(content).includes(anchor));
    })
    .map((link) => `nothing at ${link}`);
}

/** The anchors that GitHub gives the headings of a Markdown text. */
function anchorsOf(text: string): string[] {
  const anchors: string[] = [];
  for (const [, heading = ''] of text.replace(/^```.*?^```/gms, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-');
    const same = anchors.filter((other) => other.replace(/-\d+$/, '') === anchor || other === anchor).length;
    anchors.push(same === 0 ? anchor : `${anchor}-${same}`);
  }
  return anchors;
}

const withoutCode = (text: string) => text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '');
