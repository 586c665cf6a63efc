import { escapedHtml } from '@eco/base';
import { sectionsOf, type Bar, type Chart } from './charts.js';
import type { Run } from './results.js';

const WIDTH = 1000;
const LABELS = 300;
const VALUES = 110;
const ROW = 22;
const COLOURS = 8;

/** One page that needs nothing else, for light and dark screens. */
export function pageOf(run: Run): string {
  const { at, commit, machine, results } = run;
  const sections = sectionsOf(results).map(
    ({ title, charts, faults }) => `<h2>${escapedHtml(title)}</h2>
${faults.map((fault) => `<p class="bad">Invalid: ${escapedHtml(fault)}</p>`).join('\n')}
${charts
  .filter(({ bars }) => bars.length > 0)
  .map(figureOf)
  .join('\n')}`,
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>EcoMarket benchmarks, ${escapedHtml(at)}</title>
<style>${STYLE}</style>
<h1>EcoMarket benchmarks</h1>
<p>${escapedHtml(at)}, commit ${escapedHtml(commit ?? 'unknown')}. ${machine.cores} cores (${escapedHtml(machine.model)}) carry all servers and the load; Node ${escapedHtml(machine.node)}. Only ratios of one run compare well. Repeat it: <code>npm run bench</code></p>
${sections.join('\n')}
</html>
`;
}

function figureOf(chart: Chart): string {
  const { title, unit, series } = chart;
  const legend =
    series.length < 2
      ? ''
      : `<p class="legend">${series.map((name, index) => `<span class="c${index % COLOURS}">${escapedHtml(name)}</span>`).join(' ')}</p>`;
  return `<figure><figcaption>${escapedHtml(title)}, ${escapedHtml(unit)}</figcaption>${legend}
${svgOf(chart)}</figure>`;
}

function svgOf({ title, series, bars }: Chart): string {
  const most = Math.max(...bars.map(totalOf)) || 1;
  const width = (value: number) => (value / most) * (WIDTH - LABELS - VALUES);
  const rows = bars.map((bar, index) => {
    const y = index * ROW;
    let x = LABELS;
    const parts = bar.parts.map(({ series: name, value }) => {
      const part = `<rect class="c${series.indexOf(name) % COLOURS}" x="${x.toFixed(1)}" y="${y + 3}" width="${width(value).toFixed(1)}" height="${ROW - 6}"><title>${escapedHtml(name)}: ${figure(value)}</title></rect>`;
      x += width(value);
      return part;
    });
    return `<text x="${LABELS - 8}" y="${y + 16}" text-anchor="end">${escapedHtml(bar.label)}</text>${parts.join('')}<text x="${(x + 6).toFixed(1)}" y="${y + 16}">${figure(totalOf(bar))}</text>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${bars.length * ROW}" role="img" aria-label="${escapedHtml(title)}">${rows.join('\n')}</svg>`;
}

function totalOf({ parts }: Bar): number {
  return parts.reduce((sum, { value }) => sum + value, 0);
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1);
}

const LIGHT = ['#8a93a6', '#2563c9', '#d98a1f', '#2a9d6f', '#b0426f', '#7a55c7', '#4aa3b5', '#a3702f'];
const DARK = ['#8d96a8', '#7ab0ff', '#e0a040', '#4cc99a', '#e07aa5', '#b094f0', '#6fc6d6', '#cf9f5c'];
const variables = (colours: readonly string[]) => colours.map((colour, index) => `--c${index}: ${colour};`).join(' ');

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2330; --ground: #fff; --bad: #c22; ${variables(LIGHT)} }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ee; --ground: #14171d; --bad: #f66; ${variables(DARK)} } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); max-width: 1040px; margin: 2em auto; padding: 0 1em; }
figure { margin: 1.2em 0 2em; overflow-x: auto; } figcaption { font-weight: 600; }
svg { min-width: 640px; width: 100%; } svg text { font-size: 13px; fill: var(--ink); } .bad { color: var(--bad); }
.legend { margin: .2em 0; } .legend span::before { content: ''; display: inline-block; width: .8em; height: .8em; margin: 0 .35em 0 .6em; background: var(--c); }
${LIGHT.map((_, index) => `rect.c${index} { fill: var(--c${index}); } span.c${index} { --c: var(--c${index}); }`).join('\n')}`;
