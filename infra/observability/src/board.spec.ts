import { boardFile } from './board.js';
import { boardRows } from './board-panels.js';

interface Placed {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly refId?: string }[];
}

const { panels } = JSON.parse(boardFile(boardRows)) as { panels: Placed[] };

it('shows every panel in the row that it belongs to', () => {
  const expected = Object.entries(boardRows).flatMap(([row, ofRow]) => [row, ...ofRow.map(({ title }) => title)]);
  expect(panels.map(({ title }) => title)).toEqual(expected);
});

it('no panel covers another, and each is within the grid', () => {
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
    expect(x + w).toBeLessThanOrEqual(24);
    return Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`);
  });
  expect(new Set(cells).size).toBe(cells.length);
});

it('the queries of a panel have different names', () => {
  for (const { targets = [] } of panels) {
    const names = targets.map(({ refId }) => refId);
    expect(new Set(names).size).toBe(targets.length);
  }
});

it('each panel has an id of its own', () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
});
