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

/** Finds each `path` › “name”, “name” and “name”. A name that ends with … is the beginning of a name. */
function brokenTests(text: string, repository: Repository): string[] {
  return [...text.matchAll(/`([^`\s]+\/[^`\s]+)`\s*›((?:\s*(?:,|and)*\s*“[^”]+”)+)/g)].flatMap(
    ([, spec = '', names = '']) => {
      const source = repository(spec);
      if (source === undefined) return [`no file ${spec}`];
      const strings = stringsOf(source);
      return [...names.matchAll(/“([^”]+)”/g)]
        .map(([, name = '']) => plain(name))
        .filter((name) => !strings.some((string) => isNamed(string, name)))
        .map((name) => `no test “${name}” in ${spec}`);
    },
  );
}

const isNamed = (string: string, name: string) =>
  name.endsWith('…') ? string.startsWith(name.slice(0, -1)) : string === name;

const plain = (text: string) => text.replace(/\s+/g, ' ').replaceAll('’', "'");

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
