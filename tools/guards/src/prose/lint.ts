import path from 'node:path';
import { TextlintKernel, type TextlintKernelPlugin, type TextlintPluginCreator } from '@textlint/kernel';
import markdown from '@textlint/textlint-plugin-markdown';
import terminology from 'textlint-rule-terminology';
import { proseOf } from './prose-of.js';
import { vocabulary } from './vocabulary.js';

// A hyphen joins a word to another one, which the vocabulary does not have. A space may be a line break.
const terms = vocabulary.map(({ not, say }) => [`(?<![\\w-])(?:${not.replaceAll(' ', '\\s+')})(?![\\w-])`, say]);
const rules = [{ ruleId: 'terminology', rule: terminology, options: { defaultTerms: false, terms } }];

/** Reads the prose of a script or of a configuration as one paragraph. */
class ProseProcessor {
  availableExtensions(): string[] {
    return ['.ts', '.js', '.cjs', '.mjs', '.sh', '.yaml', '.yml', '.conf', ''];
  }

  processor(extension: string) {
    return {
      preProcess: (content: string) => {
        const text = proseOf(content, /[jt]s$/.test(extension));
        const lines = text.split('\n');
        const end = { line: lines.length, column: lines.at(-1)?.length ?? 0 };
        const whole = { raw: text, range: [0, text.length], loc: { start: { line: 1, column: 0 }, end } };
        const paragraph = { ...whole, type: 'Paragraph', children: [{ ...whole, type: 'Str', value: text }] };
        return { text, ast: { ...whole, type: 'Document', children: [paragraph] } };
      },
      postProcess: (messages: unknown[], filePath: string) => ({ messages, filePath }),
    };
  }
}

const kernel = new TextlintKernel();
const plugins: TextlintKernelPlugin[] = [
  { pluginId: 'markdown', plugin: markdown },
  // Our nodes have fewer fields than these types require. The kernel checks what it needs when it runs.
  { pluginId: 'prose', plugin: { Processor: ProseProcessor } as unknown as TextlintPluginCreator },
];

/** The findings of the vocabulary in the text of a file, each as `line:column message`. */
export async function lintProse(file: string, text: string): Promise<string[]> {
  const ext = path.extname(file);
  const { messages } = await kernel.lintText(ext === '.md' ? withoutTestNames(text) : text, {
    ext,
    filePath: file,
    plugins,
    rules,
  });
  return messages.map(({ loc: { start }, message }) => `${start.line}:${start.column} ${message.replace(/\s+/g, ' ')}`);
}

/** Blanks the names in `file` › “name”, “name”: the check of the test's own file covers them. */
function withoutTestNames(text: string): string {
  return text.replace(/›(?:\s*(?:,|and)?\s*“[^”]*”)+/g, (names) => names.replace(/\S/g, ' '));
}
