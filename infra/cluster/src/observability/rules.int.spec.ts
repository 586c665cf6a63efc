import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { alarms } from '@eco/observability';
import { boardQueries, ruleTests } from '@eco/observability/files';
import { createAuthority } from '../authority.js';
import { PROJECT_DIR } from '../description.js';
import { ensureTool } from '../install.js';

const RULES = path.join(PROJECT_DIR, 'infra/docker/prometheus/alerts.yml');

let promtool: string;
let dir: string;
beforeAll(async () => {
  promtool = await ensureTool('promtool', () => undefined);
  dir = await mkdtemp(path.join(os.tmpdir(), 'eco-rules-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Output of promtool. Throws with it if promtool found a violation. */
async function run(...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(promtool, args);
  return stdout + stderr;
}

async function testWith(tested: typeof alarms): Promise<string> {
  const file = path.join(dir, 'tests.yml');
  await writeFile(file, ruleTests(tested, RULES));
  return run('test', 'rules', file);
}

it('Prometheus accepts the committed rules', async () => {
  expect(await run('check', 'rules', RULES)).toContain(`SUCCESS: ${alarms.length} rules found`);
});

it('each rule fires for its samples and for no similar ones', async () => {
  expect(await testWith(alarms)).toContain('SUCCESS');
});

it('a rule that fires too early or never is found', async () => {
  const [first] = alarms;
  if (first === undefined) throw new Error('there are no alarms');
  await expect(testWith([{ ...first, silent: first.fires }])).rejects.toThrow('got:[');
  await expect(testWith([{ ...first, fires: { ...first.fires, series: first.silent.series } }])).rejects.toThrow(
    'got:[]',
  );
});

it('Prometheus accepts each query of the overview', async () => {
  // JSON is YAML, too.
  const rules = boardQueries.map(({ expr }, index) => ({ record: `query_${index}`, expr }));
  const file = path.join(dir, 'queries.yml');
  await writeFile(file, JSON.stringify({ groups: [{ name: 'overview', rules }] }));
  expect(await run('check', 'rules', file)).toContain(`SUCCESS: ${boardQueries.length} rules found`);
});

it('Prometheus accepts its configuration in containers', async () => {
  const folder = path.dirname(RULES);
  await copyFile(RULES, path.join(dir, 'alerts.yml'));
  await writeFile(path.join(dir, 'ca.crt'), (await createAuthority()).certificate);
  const text = await readFile(path.join(folder, 'prometheus.yml'), 'utf8');
  const file = path.join(dir, 'prometheus.yml');
  // The files of its container are here.
  await writeFile(file, text.replaceAll('/run/eco', dir));
  expect(await run('check', 'config', file)).toContain('is valid prometheus config file syntax');
});
