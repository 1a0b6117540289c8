/**
 * `npm run bench:fleet`: 20 servers × 200 services × 3 real servers × 16 cores in one Prometheus, with the shipped rules. Scraped
 * every 5 s for 5 minutes and asked for them in steps of 1.25 s: as many steps and samples as an hour in steps of 15 s, scraped
 * once a minute. First peace, then a storm: on every server so many services lose all real servers that 2 000 alerts fire.
 * Prints the time of every dashboard's queries and of every group of rules, 13 minutes in all. `--only=peace` or `storm`;
 * `--seconds=` of peace; `--rules`: rules only, with the dearest of each group.
 */
import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { dashboards } from '../dashboards/dashboard.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { type Evaluations, Prometheus } from './fleet-prometheus.ts';
import { Synthetic } from './fleet-server.ts';
import { describe, isQuick, look } from './machine.ts';
import { compile } from './peers.ts';
import { type Row, tableOf, verdictOf } from './row.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    servers: { type: 'string', default: '20' },
    rules: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
});
const SECONDS = Number(values.seconds);
const SERVERS = Number(values.servers);
/** s between two scrapes and evaluations. */
const CADENCE = 5;
const STEP = 1.25;
/** Evaluations are watched for so long, s. */
const WATCH = 45;
/** Services of each server that lose all real servers: × 20 servers × three alerts each = 2 040. */
const LOST = 34;
const FIRING = 2000;
/** s until the last of the three fires (RealServerDown, `for` of 5 minutes) and all have settled. */
const STORM_S = 330;
/** s of scrapes before a storm without peace before it. */
const WARM_S = 60;
const QUERY_MS = 500;
/** Longest evaluation of a group, ms, and how many times the plain query it may take. */
const PEACE = { limit: 500, times: 6 };
const STORM = { limit: 1000, times: 12 };

/** One target; resolves with its port. */
function target(server: string): Promise<{ readonly fleet: Synthetic; readonly server: Server; readonly port: number }> {
  const fleet = new Synthetic('edge', server, { nics: 4, services: 200, realServersPerService: 3, cores: 16 });
  const http = createServer((_, res) => res.end(fleet.render()));
  return new Promise((resolve) =>
    http.listen(0, '127.0.0.1', () => resolve({ fleet, server: http, port: (http.address() as { port: number }).port })),
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

interface Answer {
  readonly result: readonly unknown[];
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

/** A row for each dashboard: its slowest query, the median of three askings. */
async function boards(prometheus: Prometheus, plain: number): Promise<Row[]> {
  const end = Date.now() / 1000;
  const rows: Row[] = [];
  for (const [file, d] of dashboards()) {
    const asked: { readonly title: string; readonly ms: number }[] = [];
    let empty = 0;
    for (const p of d.panels) {
      for (const t of p.targets ?? []) {
        const query = `query=${encodeURIComponent(filled(t.expr, d.uid))}`;
        const instant = /^(?:stat|table|bargauge)$/.test(p.type);
        const range = `&start=${end - SECONDS * 0.9}&end=${end}&step=${STEP}`;
        const ask = () => prometheus.ask<Answer>(instant ? `query?${query}` : `query_range?${query}${range}`);
        const answers = [await ask(), await ask(), await ask()];
        asked.push({ title: p.title, ms: median(answers.map(({ ms }) => ms)) });
        if (answers[0]!.data.result.length === 0) empty++;
      }
    }
    const slowest = asked.toSorted((a, b) => b.ms - a.ms)[0]!;
    const all = Math.round(asked.reduce((sum, { ms }) => sum + ms, 0));
    rows.push({
      what: `${file}: slowest of ${asked.length} queries, ${slowest.title} (all: ${all} ms)`,
      value: slowest.ms,
      limit: QUERY_MS,
      unit: 'ms',
      calibration: { what: 'plain query', value: plain, times: 6 },
      needs: [
        { what: `most queries find something (${empty} of ${asked.length} find nothing)`, holds: empty < asked.length / 2 },
      ],
    });
  }
  return rows;
}

/** A row for each group of rules. */
function groups(when: 'peace' | 'storm', seen: readonly Evaluations[], plain: number): Row[] {
  const { limit, times } = when === 'peace' ? PEACE : STORM;
  if (values.rules) for (const g of seen) console.log(g.name, g.rules.map((r) => `${r.name} ${r.ms.toFixed(0)}`).join(', '));
  return seen.map((g) => ({
    what: `${when}: group ${g.name}, median of ${g.count} (worst ${g.worst.toFixed(0)} ms)`,
    value: g.median,
    limit,
    unit: 'ms',
    calibration: { what: 'plain query', value: plain, times },
    needs: [
      { what: `at least 5 evaluations (${g.count})`, holds: g.count >= 5 },
      { what: `no errors: ${g.errors.join('; ')}`, holds: g.errors.length === 0 },
    ],
  }));
}

/** All rows of one state of the fleet, void unless every server is scraped and as many alerts fire as should. */
async function measure(prometheus: Prometheus, when: 'peace' | 'storm'): Promise<Row[]> {
  const first = await prometheus.plainQuery();
  const seen = await prometheus.evaluations(WATCH);
  const plain = (first + (await prometheus.plainQuery())) / 2;
  const up = await prometheus.number('sum(up)');
  const firing = await prometheus.number('count(ALERTS{alertstate="firing", service!=""})');
  const pending = await prometheus.number('count(ALERTS{alertstate="pending", service!=""})');
  console.log(`${when}: plain query ${plain.toFixed(1)} ms; alerts of services: ${firing} firing, ${pending} pending`);
  const stormy = when === 'storm';
  const needs = [
    { what: `all ${SERVERS} servers are scraped (${up})`, holds: up === SERVERS },
    stormy
      ? { what: `${FIRING} alerts fire (${firing})`, holds: firing >= FIRING }
      : { what: `no service's alert fires (${firing})`, holds: firing === 0 },
  ];
  const rows = groups(when, seen, plain);
  if (!stormy && !values.rules) rows.push(...(await boards(prometheus, plain)));
  return rows.map((row) => ({ ...row, needs: [...needs, ...row.needs] }));
}

ensure(['prometheus', 'gcc', 'libc6-dev']);
const server = compile('./server.c')!;
const program = compile('./floor.c')!;
const before = await look(server, program);
const targets = await Promise.all(Array.from({ length: SERVERS }, (_, i) => target(`lb${i + 1}`)));
const prometheus = new Prometheus(
  targets.map((t) => `127.0.0.1:${t.port}`),
  CADENCE,
);
try {
  const rows: Row[] = [];
  await sleep((values.only === 'storm' ? WARM_S : SECONDS) * 1000);
  if (values.only !== 'storm') rows.push(...(await measure(prometheus, 'peace')));
  if (values.only !== 'peace') {
    for (const { fleet } of targets) fleet.lose(LOST);
    await sleep(STORM_S * 1000);
    rows.push(...(await measure(prometheus, 'storm')));
  }
  const { size } = targets[0]!.fleet;
  console.log(
    `\n${SERVERS} servers, ${size} series each, ${SERVERS * size} in all; ${SECONDS} s of scrapes every ${CADENCE} s\n`,
  );
  const looks = [before, await look(server, program)];
  const quick = isQuick(looks);
  console.log(`${describe(looks)}\n\n${tableOf(rows, quick)}`);
  if (rows.some((row) => verdictOf(row, quick).is !== 'pass')) process.exitCode = 1;
} finally {
  await prometheus.stop();
  for (const { server } of targets) {
    server.closeAllConnections();
    server.close();
  }
}
