/** A row of the table “What to watch” of docs/operations.md that has an alarm. */
export interface WatchedRow {
  /** The metrics that it names, without abbreviated ones (`…_open_by_group`). */
  readonly metrics: readonly string[];
  /** Anchor of the section that says what to do. */
  readonly anchor: string | undefined;
  readonly condition: string;
}

/** The rows with an alarm, of the text of docs/operations.md. */
export function watchedRows(text: string): WatchedRow[] {
  const [, table = ''] = /^## What to watch$(.*?)^## /ms.exec(text) ?? [];
  return [...table.matchAll(/^\| +(.+?) +\| +(.*?) +\| +(.*?) +\|$/gm)].flatMap(([, what = '', , condition = '']) => {
    const metrics = [...what.matchAll(/`([a-z]\w*)`/g)].map(([, metric = '']) => metric);
    const isAlarm = metrics.length > 0 && condition !== '' && !condition.startsWith('no alarm');
    return isAlarm ? [{ metrics, anchor: /\]\(#([^)]+)\)/.exec(what)?.[1], condition }] : [];
  });
}

/** Anchors of the sections under “By alarm”. */
export function alarmSections(text: string): string[] {
  const [, sections = ''] = /^## By alarm$(.*?)^## /ms.exec(text) ?? [];
  return [...sections.matchAll(/^### (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
