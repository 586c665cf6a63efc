import { documentedSettings } from './documented-settings.js';

const document = `
| \`ECO_A\` | 0 | of another section | all |

## Settings of each process

| setting   | default                         | meaning                 | of           |
| --------- | ------------------------------- | ----------------------- | ------------ |
| \`ECO_B\` | 8000 (central), 8003 (read)     | Port, \`host:port\` (n) | all          |
| \`ECO_C\` |                                 | Of one service          | writer       |
| \`ECO_D\` | a,b                             | Of two services         | central, read |

## What follows

| \`ECO_E\` | 0 | of another section | all |
`;

it('are read by service', () => {
  expect(documentedSettings('central', document)).toEqual(
    new Set([
      { variable: 'ECO_B', default: '8000', description: 'Port, host:port (n)' },
      { variable: 'ECO_D', default: 'a,b', description: 'Of two services' },
    ]),
  );
  expect(documentedSettings('writer', document)).toEqual(
    new Set([
      { variable: 'ECO_B', default: '', description: 'Port, host:port (n)' },
      { variable: 'ECO_C', default: '', description: 'Of one service' },
    ]),
  );
});

it('belong to existing services', () => {
  const settings = () => documentedSettings('central', document.replace('| writer ', '| scribe '));
  expect(settings).toThrow('ECO_C is of scribe, which is no service');
});
