/**
 * From a fault to the pager, with real Prometheus and Alertmanager and the shipped rules: one page per fault, and it says what to
 * do.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from '../../src/lab/agent.ts';
import { now } from '../../src/lab/control.ts';
import { Lab } from '../../src/lab/lab.ts';
import { Monitoring } from '../../src/lab/monitoring.ts';
import type { Sent } from '../../src/lab/pager.ts';
import { QUICK_RECOVERY } from '../../src/lab/play.ts';
import { deaf } from '../../src/lab/scripts.ts';
import { labLayout, uplinks } from '../../src/lab/topology.ts';

let lab: Lab;
let agent: Agent;
let monitoring: Monitoring;
before(async () => {
  lab = await Lab.start();
  agent = await Agent.start(lab, { rules: QUICK_RECOVERY });
  monitoring = await Monitoring.start(lab, { every: 1, keepFiring: 6, groupWait: 5, groupInterval: 5 });
  await until(
    'scraped',
    async () => (await monitoring.query<{ result: unknown[] }>('query?query=fourlane_build_info')).result.length > 0,
  );
});
after(async () => {
  monitoring?.close();
  await agent?.stop();
  lab?.close();
});

async function until(what: string, holds: () => Promise<boolean>, limitMs = 60_000): Promise<void> {
  for (const limit = now() + limitMs; !(await holds()); await sleep(100)) {
    if (now() > limit) throw new Error(`not within ${limitMs} ms: ${what}`);
  }
}

const pages = async (since: number) => (await monitoring.sent(since)).filter((s) => s.to === 'page');
const firing = (sent: readonly Sent[]) => sent.filter((s) => s.status === 'firing');

/**
 * Plays a fault; returns the pages it made. `watchMs`: the longest `for` of a consequence and the wait of its group, so that it
 * were sent.
 */
async function pagesOf(hurt: () => void | Promise<void>, watchMs: number): Promise<{ t0: number; got: Sent[] }> {
  // Without memory of the faults before: the burn of the error budget, which nothing inhibits, is about their sum.
  await monitoring.forget();
  await until(
    'scraped',
    async () => (await monitoring.query<{ result: unknown[] }>('query?query=fourlane_build_info')).result.length > 0,
  );
  const t0 = now();
  await hurt();
  await until('a page', async () => firing(await pages(t0)).length > 0);
  await sleep(watchMs);
  return { t0, got: firing(await pages(t0)) };
}

/** Heals, and waits until the pager has heard that it is over. */
async function resolved(t0: number): Promise<void> {
  await lab.heal();
  await agent.settled(60_000);
  await until('resolved', async () => (await pages(t0)).some((s) => s.status === 'resolved'));
}

const describe = (sent: readonly Sent[]) =>
  JSON.stringify(
    sent.map((s) => s.alerts.map((a) => [a.status, a.labels])),
    null,
    1,
  );

test('a link cut sends one page (cluster, server, NIC, cause, command), none for its real servers; it resolves', async () => {
  const { t0, got } = await pagesOf(() => lab.space.ip('tor1', ['link set lb down']), 38_000);
  assert.equal(got.length, 1, describe(got));
  const [page] = got;
  assert.equal(page!.alerts.length, 1);
  const { labels, annotations, startsAt } = page!.alerts[0]!;
  assert.deepEqual(
    [labels['alertname'], labels['cluster'], labels['server'], labels['nic'], labels['cause'], labels['severity']],
    ['FourlaneNicFault', 'lab', 'lab-lb', 'eth1', 'carrier', 'critical'],
  );
  assert.match(annotations['description']!, /NIC eth1 of lab-lb in cluster lab is judged NIC_FAIL, cause carrier/);
  assert.equal(annotations['command'], 'ip -s link show dev eth1; ethtool eth1');
  assert.match(
    annotations['impact']!,
    /Switched off on this NIC: (?:all, web1|web1, all)\. Without any NIC on this server: web1\./,
  );
  assert.match(annotations['runbook_url']!, /FourlaneNicFault\.md$/);
  const verdict = (await agent.transitions(t0)).find((t) => t.verdict === 'NIC_FAIL')!.t - t0;
  const alerting = Date.parse(startsAt) - (Date.now() - now()) - t0;
  const total = page!.t - t0;
  console.log(
    `cut to page ${total.toFixed(0)} ms: verdict ${verdict.toFixed(0)} (${((100 * verdict) / total).toFixed(0)} %), ` +
      `scrape and evaluation ${(alerting - verdict).toFixed(0)} (${((100 * (alerting - verdict)) / total).toFixed(0)} %), ` +
      `Alertmanager and webhook ${(total - alerting).toFixed(0)} (${((100 * (total - alerting)) / total).toFixed(0)} %)`,
  );
  await resolved(t0);
});

test('an isolated load balancer sends one page', async () => {
  const { t0, got } = await pagesOf(() => {
    for (const u of uplinks) lab.nft(u.tor, deaf());
  }, 23_000);
  assert.deepEqual(
    got.flatMap((s) => s.alerts.map((a) => a.labels['alertname'])),
    ['FourlaneAgentIsolated'],
    describe(got),
  );
  await resolved(t0);
});

test('a failed rack sends one page', async () => {
  const rack = labLayout.servers.filter((s) => s.rack === 1);
  const { t0, got } = await pagesOf(() => lab.set(...rack.map((s) => ({ rs: s.name, refuse: true }))), 23_000);
  assert.deepEqual(
    got.flatMap((s) => s.alerts.map((a) => [a.labels['alertname'], a.labels['rack']])),
    [['FourlaneRackFault', 'rack1']],
    describe(got),
  );
  await resolved(t0);
});

test('the heartbeat arrives all the time', async () => {
  await until('a heartbeat', async () => (await monitoring.sent()).some((s) => s.to === 'heartbeat'));
});
