import path from 'node:path';
import { alarmGroups } from './alarms.js';
import { boardFile } from './board.js';
import { boardRows } from './board-panels.js';
import { ruleFile } from './rules.js';

const folder = path.resolve(__dirname, '../../docker');

/** The committed files that are made from this project, each with its present text. */
export function committed(): { readonly file: string; readonly text: string }[] {
  return [
    { file: path.join(folder, 'prometheus/alerts.yml'), text: ruleFile(alarmGroups) },
    { file: path.join(folder, 'grafana/dashboards/overview.json'), text: boardFile(boardRows) },
  ];
}
