/**
 * compose.yaml without a container engine: its form, the files it mounts, the ports it promises, and that the pieces know each
 * other.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { readCompose } from './file.ts';

const { services, volumes } = readCompose();

test('images are pinned to a version, never latest', () => {
  for (const { image } of Object.values(services)) assert.match(image, /:v?\d+\.\d+\.\d+$/);
  assert.match(services['demo']!.build!.dockerfile_inline, /^FROM node:\d+\.\d+\.\d+-/);
  assert.equal(
    services['demo']!.image.split(':')[1],
    (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version,
  );
});

test('every file that is mounted or copied exists; every volume is declared and used', () => {
  const used = new Set<string>();
  for (const [name, s] of Object.entries(services)) {
    for (const v of s.volumes ?? []) {
      const [from, to] = v.split(':') as [string, string];
      assert.match(to, /^\//, name);
      if (from.startsWith('./')) assert.ok(existsSync(from), `${name}: ${from}`);
      else used.add(from);
    }
    for (const [, list] of (s.build?.dockerfile_inline ?? '').matchAll(/^COPY (.+)$/gm)) {
      for (const from of list!.split(' ').slice(0, -1)) assert.ok(existsSync(from), `${name}: COPY ${from}`);
    }
  }
  assert.deepEqual([...used].sort(), Object.keys(volumes).sort());
});

test('services that others wait for exist, and each long-running one but the pager has a health check', () => {
  for (const [name, s] of Object.entries(services)) {
    for (const d of [...(s.depends_on ?? []), ...(s.network_mode?.startsWith('service:') ? [s.network_mode.slice(8)] : [])]) {
      assert.ok(d in services, `${name} → ${d}`);
    }
    assert.equal(s.healthcheck === undefined, name === 'pager', name);
  }
});

test('ports are on loopback only, and are those that the documents and the files inside name', () => {
  const readme = readFileSync('README.md', 'utf8');
  for (const [name, s] of Object.entries(services)) {
    for (const p of s.ports ?? []) {
      const [, outside, inside] = /^127\.0\.0\.1:(\d+):(\d+)$/.exec(p) ?? assert.fail(`${name}: ${p}`);
      assert.equal(outside, inside);
      assert.ok(
        s.healthcheck!.test.join(' ').includes(`127.0.0.1:${inside}/`),
        `${name}: the health check asks another port than ${p}`,
      );
    }
  }
  for (const url of ['http://127.0.0.1:3000', 'http://127.0.0.1:9844']) assert.ok(readme.includes(url), url);
  const prometheus = parse(readFileSync('alerts/prometheus.yml', 'utf8')) as {
    rule_files: string[];
    alerting: { alertmanagers: { static_configs: { targets: string[] }[] }[] };
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
  };
  const mounted = services['prometheus']!.volumes!.map((v) => v.split(':')[1]);
  for (const f of prometheus.rule_files) assert.ok(mounted.includes(`/etc/prometheus/${f}`), f);
  const targets = [
    ...prometheus.alerting.alertmanagers.flatMap((a) => a.static_configs),
    ...prometheus.scrape_configs.flatMap((s) => s.static_configs),
  ].flatMap((s) => s.targets);
  for (const t of targets) {
    const [host, port] = t.split(':') as [string, string];
    assert.ok(services[host]?.ports?.includes(`127.0.0.1:${port}:${port}`), t);
  }
  const source = parse(readFileSync('dashboards/provisioning/datasources/fourlane.yaml', 'utf8')) as {
    datasources: { url: string }[];
  };
  assert.equal(source.datasources[0]!.url, 'http://prometheus:9090');
});

test('Alertmanager’s webhooks reach the pager, and Grafana finds the dashboards', () => {
  const alertmanager = readFileSync('alerts/alertmanager.yml', 'utf8');
  const { port } = JSON.parse(services['pager']!.command!.at(-1)!) as { port: number };
  for (const [, p] of alertmanager.matchAll(/^ +- url: http:\/\/127\.0\.0\.1:(\d+)\//gm)) assert.equal(Number(p), port);
  const provider = parse(readFileSync('dashboards/provisioning/dashboards/fourlane.yaml', 'utf8')) as {
    providers: { options: { path: string } }[];
  };
  const { path } = provider.providers[0]!.options;
  assert.ok(services['grafana']!.volumes!.some((v) => v.startsWith(`./dashboards/out:${path}:`)));
  assert.ok(services['grafana']!.environment!['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH']!.startsWith(path));
});
