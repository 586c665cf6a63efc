import { filesOf, readText } from './repository.js';

const used = filesOf('.github/workflows/*').flatMap((file) =>
  [...readText(file).matchAll(/\buses: *(\S+)(.*)/g)].map(([, action = '', comment = '']) => ({ action, comment })),
);

test.each(used)('the action $action is pinned by commit, with its version in a comment', ({ action, comment }) => {
  expect(action).toMatch(/@[0-9a-f]{40}$/);
  expect(comment).toMatch(/^ # v\d+\.\d+\.\d+$/);
});
