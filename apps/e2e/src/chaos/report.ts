import { escapedHtml } from '@eco/base';
import type { Sample } from './sampler.js';

/** A fault as it happened. Times are from the begin of the run, ms. */
export interface Happened {
  readonly name: string;
  readonly part: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Why it was not repaired as it should. Undefined: it was. */
  readonly error?: string | undefined;
}

/** A check of everything that was promised so far. */
export interface ChaosCheck {
  readonly atMs: number;
  readonly faults: readonly string[];
  readonly rows: number;
}

export interface ChaosRun {
  readonly seed: number;
  readonly minutes: number;
  readonly at: string;
  readonly samples: readonly Sample[];
  readonly happened: readonly Happened[];
  readonly checks: readonly ChaosCheck[];
  /** What `eco up` did by itself. */
  readonly said: readonly { readonly atMs: number; readonly line: string }[];
  readonly figures: readonly (readonly [name: string, value: string])[];
}

const WIDTH = 1100;
const ROW = 18;
const CHART = 70;
const LEFT = 90;
const SERIES = ['accepted', 'decided', 'sales', 'reads', 'refused'] as const;

/** One page that needs nothing else, for light and dark screens. */
export function reportOf(run: ChaosRun): string {
  const broken = run.checks.flatMap(({ faults }) => faults).concat(run.happened.flatMap(({ error }) => error ?? []));
  const verdict = broken.length === 0 ? 'every check held' : `${broken.length} findings`;
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Chaos, seed ${run.seed}: ${verdict}</title>
<style>${STYLE}</style>
<h1>Chaos: ${verdict}</h1>
<p>${escapedHtml(run.at)}, ${run.minutes} minutes, seed ${run.seed}. Repeat it: <code>npm run chaos -- --minutes ${run.minutes} --seed ${run.seed}</code></p>
${broken.length === 0 ? '' : list(broken, 'bad')}
<h2>What clients saw, each second, and what happened</h2>
<div class="wide">${timeline(run)}</div>
<h2>Figures</h2>
${table(['', ''], run.figures)}
<h2>Faults</h2>
${table(
  ['from', 'to', 'part', 'fault', ''],
  run.happened.map(({ fromMs, toMs, part, name, error }) => [clock(fromMs), clock(toMs), part, name, error ?? '']),
)}
<h2>Checks</h2>
${table(
  ['at', 'rows compared', 'result'],
  run.checks.map(({ atMs, rows, faults }) => [
    clock(atMs),
    String(rows),
    faults.length === 0 ? 'held' : faults.join('; '),
  ]),
)}
<h2>What the supervision did</h2>
${table(
  ['at', ''],
  run.said.map(({ atMs, line }) => [clock(atMs), line]),
)}
</html>
`;
}

function timeline({ samples, happened, checks }: ChaosRun): string {
  const end = Math.max(1, ...samples.map(({ atMs }) => atMs), ...happened.map(({ toMs }) => toMs));
  const x = (ms: number) => LEFT + (ms / end) * (WIDTH - LEFT);
  const charts = SERIES.map((name, index) => {
    const top = index * CHART;
    const most = Math.max(1, ...samples.map((sample) => sample[name]));
    const y = (value: number) => top + CHART - 8 - (value / most) * (CHART - 20);
    const points = samples.map((sample) => `${x(sample.atMs).toFixed(1)},${y(sample[name]).toFixed(1)}`).join(' ');
    return `<text x="0" y="${top + CHART / 2}">${name}</text><text class="dim" x="0" y="${top + CHART / 2 + 14}">up to ${most}/s</text>
<polyline class="${name}" points="${points}"/>`;
  });
  const parts = [...new Set(happened.map(({ part }) => part))];
  const barsTop = SERIES.length * CHART;
  const bars = happened.map(({ name, part, fromMs, toMs, error }) => {
    const top = barsTop + parts.indexOf(part) * ROW;
    const width = Math.max(2, x(toMs) - x(fromMs));
    return `<rect class="${error === undefined ? 'fault' : 'bad'}" x="${x(fromMs).toFixed(1)}" y="${top}" width="${width.toFixed(1)}" height="${ROW - 4}"><title>${escapedHtml(name)}, ${clock(fromMs)} to ${clock(toMs)}</title></rect>`;
  });
  const names = parts.map((part, index) => `<text x="0" y="${barsTop + index * ROW + 12}">${part}</text>`);
  const height = barsTop + parts.length * ROW + 20;
  const marks = checks.map(
    ({ atMs, faults }) =>
      `<line class="${faults.length === 0 ? 'check' : 'bad'}" x1="${x(atMs).toFixed(1)}" x2="${x(atMs).toFixed(1)}" y1="0" y2="${height - 20}"><title>check at ${clock(atMs)}</title></line>`,
  );
  const minutes = Array.from({ length: Math.floor(end / 60_000) + 1 }, (_, minute) => minute);
  const step = Math.ceil(minutes.length / 15);
  const ticks = minutes
    .filter((minute) => minute % step === 0)
    .map((minute) => `<text class="dim" x="${x(minute * 60_000).toFixed(1)}" y="${height - 4}">${minute} min</text>`);
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="timeline">${[marks, charts, names, bars, ticks].flat().join('\n')}</svg>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, texts: readonly string[]) =>
    `<tr>${texts.map((text) => `<${tag}>${escapedHtml(text)}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table>${head.some((text) => text !== '') ? cells('th', head) : ''}${rows.map((row) => cells('td', row)).join('\n')}</table></div>`;
}

function list(texts: readonly string[], style: string): string {
  return `<ul class="${style}">${texts.map((text) => `<li>${escapedHtml(text)}</li>`).join('\n')}</ul>`;
}

function clock(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2330; --dim: #667; --ground: #fff; --line: #ccd; --fault: #d98a1f; --bad: #c22; --good: #2a7; --a: #2563c9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ee; --dim: #99a; --ground: #14171d; --line: #334; --fault: #e0a040; --bad: #f66; --good: #4c9; --a: #7ab0ff; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); max-width: 1140px; margin: 2em auto; padding: 0 1em; }
.wide { overflow-x: auto; } svg { min-width: 700px; width: 100%; } svg text { font-size: 12px; fill: var(--ink); } svg .dim { fill: var(--dim); }
polyline { fill: none; stroke: var(--a); stroke-width: 1.2; } polyline.refused { stroke: var(--bad); } polyline.decided { stroke: var(--good); }
rect.fault { fill: var(--fault); } rect.bad { fill: var(--bad); } line.check { stroke: var(--line); } line.bad { stroke: var(--bad); } ul.bad { color: var(--bad); }
table { border-collapse: collapse; } td, th { text-align: left; vertical-align: top; padding: .15em .9em .15em 0; border-bottom: 1px solid var(--line); }`;
