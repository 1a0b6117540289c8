/**
 * `npm run bench:fleet`: 20 servers × 200 services × 3 real servers × 16 cores in one Prometheus, with the shipped rules. Scraped every 5 s
 * for 5 minutes and asked for them in steps of 1.25 s: as many steps and samples as an hour in steps of 15 s, scraped once a minute.
 * Prints the time of every dashboard's queries and of every group of rules, and the series of one server.
 */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { dashboards } from '../dashboards/dashboard.ts';
import { Synthetic } from './fleet-server.ts';
import { ensure } from '../../src/lab/ensure.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '300' }, servers: { type: 'string', default: '20' } },
});
const SECONDS = Number(values.seconds);
const SERVERS = Number(values.servers);
const PORT = 19_190;
const STEP = 1.25;
const LIMIT_MS = 1000;
const ALERTS = fileURLToPath(new URL('../../alerts', import.meta.url));

/** One target; resolves with its port. */
function target(server: string): Promise<{ readonly server: Server; readonly port: number; readonly series: number }> {
  const fleet = new Synthetic('edge', server, { nics: 4, services: 200, realServersPerService: 3, cores: 16 });
  const http = createServer((_, res) => res.end(fleet.render()));
  return new Promise((resolve) =>
    http.listen(0, '127.0.0.1', () =>
      resolve({ server: http, port: (http.address() as { port: number }).port, series: fleet.size }),
    ),
  );
}

/** As Grafana would fill them in: one cluster, one server or service where the dashboard is about one, else all. */
const VALUES: Readonly<Record<string, string>> = {
  job: '.+',
  cluster: 'edge',
  service: 'svc1',
  nic: '.+',
  core: '.+',
  vrrp_instance: '.+',
  k: '10',
};

function filled(expr: string, uid: string): string {
  const server = uid === 'fourlane-cluster' ? '.+' : uid === 'fourlane-service' ? '.+' : 'lb1';
  return expr
    .replaceAll('$__rate_interval', '20s')
    .replaceAll('$__range', `${SECONDS}s`)
    .replaceAll(/\$(\w+)/g, (_, name: string) => (name === 'server' ? server : (VALUES[name] ?? '.+')));
}

async function ask(
  path: string,
): Promise<{ readonly ms: number; readonly body: { status: string; data: unknown; error?: string } }> {
  const started = performance.now();
  const answer = await fetch(`http://127.0.0.1:${PORT}/api/v1/${path}`);
  const body = (await answer.json()) as { status: string; data: unknown; error?: string };
  return { ms: performance.now() - started, body };
}

interface Group {
  readonly name: string;
  readonly evaluationTime: number;
}

async function measure(series: number): Promise<boolean> {
  const end = Date.now() / 1000;
  const rows = [];
  for (const [file, d] of dashboards()) {
    const times: number[] = [];
    for (const p of d.panels) {
      for (const t of p.targets ?? []) {
        const query = `query=${encodeURIComponent(filled(t.expr, d.uid))}`;
        const instant = /^(?:stat|table|bargauge)$/.test(p.type);
        const { ms, body } = await ask(
          instant ? `query?${query}` : `query_range?${query}&start=${end - SECONDS * 0.9}&end=${end}&step=${STEP}`,
        );
        if (body.status !== 'success') throw new Error(`${file}: ${p.title}: ${body.error}`);
        times.push(ms);
      }
    }
    const worst = Math.max(...times);
    rows.push({
      what: file,
      queries: times.length,
      'all, ms': Math.round(times.reduce((a, b) => a + b, 0)),
      'slowest, ms': Math.round(worst),
      pass: worst < LIMIT_MS,
    });
  }
  const { groups } = (await ask('rules')).body.data as { groups: Group[] };
  const rules = groups.map((g) => ({
    what: g.name,
    ms: Math.round(g.evaluationTime * 1000),
    pass: g.evaluationTime * 1000 < LIMIT_MS,
  }));
  console.log(`${SERVERS} servers, ${series} series each, ${SERVERS * series} in all, ${SECONDS} s of scrapes every 5 s`);
  console.table(rows);
  console.table(rules);
  return [...rows, ...rules].every((r) => r.pass);
}

ensure(['prometheus']);
const dir = mkdtempSync(join(tmpdir(), 'fourlane-fleet-'));
const targets = await Promise.all(Array.from({ length: SERVERS }, (_, i) => target(`lb${i + 1}`)));
for (const f of ['fourlane-alerts.yaml', 'fourlane-rules.yaml']) copyFileSync(join(ALERTS, f), join(dir, f));
writeFileSync(
  join(dir, 'prometheus.yml'),
  stringify({
    global: { scrape_interval: '5s', evaluation_interval: '5s' },
    rule_files: ['fourlane-rules.yaml', 'fourlane-alerts.yaml'],
    scrape_configs: [{ job_name: 'fourlane', static_configs: [{ targets: targets.map((t) => `127.0.0.1:${t.port}`) }] }],
  }),
);
const prometheus = spawn(
  'prometheus',
  [
    `--config.file=${dir}/prometheus.yml`,
    `--storage.tsdb.path=${dir}/data`,
    `--web.listen-address=127.0.0.1:${PORT}`,
    '--log.level=error',
  ],
  { stdio: ['ignore', 'inherit', 'inherit'] },
);
const ended = new Promise((resolve) => prometheus.once('exit', resolve));
try {
  await sleep(SECONDS * 1000);
  if (!(await measure(targets[0]!.series))) process.exitCode = 1;
} finally {
  prometheus.kill('SIGKILL');
  await ended;
  for (const t of targets) {
    t.server.closeAllConnections();
    t.server.close();
  }
  rmSync(dir, { recursive: true });
}
