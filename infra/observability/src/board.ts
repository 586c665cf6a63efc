import {
  BigValueColorMode,
  ReduceDataOptionsBuilder,
  VizLegendOptionsBuilder,
  type DataSourceRef,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as NumberBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as GraphBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { Panel } from './board-panels.js';

/** Columns of Grafana's grid. */
const COLUMNS = 24;
const HEIGHT = { number: 4, graph: 7 } as const;

/** Text of Grafana's file of a dashboard. The reader selects the data source, the first Prometheus by default. */
export function boardFile(rows: Readonly<Record<string, readonly Panel[]>>): string {
  const board = new DashboardBuilder('EcoMarket: overview')
    .uid('ecomarket-overview')
    .tags(['ecomarket'])
    .refresh('10s')
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('source').label('Prometheus').type('prometheus'));
  for (const [title, panels] of Object.entries(rows)) {
    board.withRow(new RowBuilder(title));
    for (const panel of panels) board.withPanel(builderOf(panel, Math.floor(COLUMNS / panels.length)));
  }
  const built = board.build();
  const panels = (built.panels ?? []).map((panel, index) => ({ ...panel, id: index + 1 }));
  return `${JSON.stringify({ ...built, panels }, null, 2)}\n`;
}

function builderOf(panel: Panel, width: number): GraphBuilder | NumberBuilder {
  const builder =
    panel.kind === 'graph'
      ? new GraphBuilder().legend(new VizLegendOptionsBuilder().showLegend(true))
      : new NumberBuilder()
          .colorMode(BigValueColorMode.Background)
          .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
  const source: DataSourceRef = { type: 'prometheus', uid: '${source}' };
  builder.title(panel.title).unit(panel.unit).datasource(source).span(width).height(HEIGHT[panel.kind]);
  builder.thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(stepsOf(panel)));
  panel.queries.forEach(({ expr, legend }, index) => {
    const refId = String.fromCharCode('A'.charCodeAt(0) + index);
    builder.withTarget(new DataqueryBuilder().refId(refId).expr(expr).legendFormat(legend).datasource(source));
  });
  return builder;
}

/** Grafana's first step has no lower limit. */
function stepsOf({ red, redBelow }: Panel) {
  if (redBelow !== undefined)
    return [
      { value: null, color: 'red' },
      { value: redBelow, color: 'green' },
    ];
  return [{ value: null, color: 'green' }, ...(red === undefined ? [] : [{ value: red, color: 'red' }])];
}
