/**
 * `npm run dashboards:preview [-- --only core,nic --minutes 3]`: every dashboard with data of the lab under faults, drawn with
 * Grafana's components, light and dark, into docs/screenshots/dashboards. A preview, not Grafana: docs/dashboards.md says what
 * differs. Needs root; installs the Debian packages it misses. Exit code 1 when a panel has no data or fails.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dashboards } from '../dashboards/dashboard.ts';
import { Scene } from '../dashboards/scene.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { bundle } from './bundle.ts';
import type { Dashboard, Report } from './page/model.ts';
import { Camera } from './shot.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OUT = join(ROOT, 'docs/screenshots/dashboards');
/** s between scrapes. */
const EVERY = 2;

const { values } = parseArgs({
  options: { only: { type: 'string' }, minutes: { type: 'string', default: '4' } },
});
const names = [...dashboards().keys()].map((file) => basename(file, '.json'));
const wanted = values.only?.split(',') ?? names;

/** Shares of the time: peace, faults, recovery, and faults again that last while the pictures are taken. */
async function play(scene: Scene, seconds: number): Promise<void> {
  const say = (what: string) => console.log(`${new Date().toISOString().slice(11, 19)}  ${what}`);
  say('traffic in peace');
  await sleep(seconds * 450);
  say('faults: a link cut, a real server that refuses, a path lost');
  await scene.hurt();
  await sleep(seconds * 200);
  say('repair');
  await scene.lab.heal();
  await sleep(seconds * 200);
  say('the same faults again');
  await scene.hurt();
  await sleep(seconds * 150);
}

function show(name: string, theme: string, reports: readonly Report[]): void {
  for (const r of reports)
    console.log(`${name.padEnd(9)} ${theme.padEnd(6)} ${r.state.padEnd(12)} ${r.panel}${r.why ? `: ${r.why}` : ''}`);
}

ensure(['iproute2', 'nftables', 'prometheus', 'prometheus-alertmanager', 'chromium', 'pngquant']);
const page = bundle();
mkdirSync(OUT, { recursive: true });
const minutes = Number(values.minutes);
const scene = await Scene.start(EVERY);
let camera: Camera | undefined;
try {
  await play(scene, minutes * 60);
  const { prometheus } = await scene.monitoring.open();
  camera = await Camera.open(page);
  const to = Math.floor(Date.now() / 1000);
  for (const name of wanted) {
    const dashboard = JSON.parse(readFileSync(join(ROOT, 'dashboards/out', `${name}.json`), 'utf8')) as Dashboard;
    for (const theme of ['light', 'dark'] as const) {
      const preview = { dashboard, prometheus, theme, every: EVERY, from: to - minutes * 60, to };
      const reports = await camera.shoot(preview, join(OUT, `${name}-${theme}.png`));
      show(name, theme, theme === 'light' ? reports : reports.filter((r) => r.state !== 'ok'));
      if (reports.some((r) => r.state !== 'ok')) process.exitCode = 1;
    }
  }
} finally {
  await camera?.close();
  await scene.close();
}
