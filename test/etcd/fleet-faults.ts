/** What can go wrong with the cluster while clients are served. Each fault ends what it began, and leaves all well. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MOMENTS } from '../../src/cluster/agent/moments.ts';
import { until } from '../../src/lab/until.ts';
import { expiredCertificate } from './expired.ts';
import type { RealFleet, Server } from './real-fleet.ts';

/** @returns a word on what was seen */
export type FleetFault = (fleet: RealFleet) => Promise<string>;

/** An isolated leader is noticed after 4 s. */
const LASTS_MS = 6000;
const ALL_MEMBERS = [1, 2, 3] as const;
const CANARY: Server = 'lb-01';
/** A release that is applied is proven by then. */
const PROVEN_MS = 5000;

/** A fault of etcd, with a release in the midst of it and one behind. */
async function meanwhile(fleet: RealFleet, hurt: () => unknown, healed: () => unknown, lastsMs = LASTS_MS): Promise<string> {
  await hurt();
  const began = performance.now();
  await fleet.release('in the midst of a fault');
  const took = performance.now() - began;
  await sleep(Math.max(0, lastsMs - took));
  await healed();
  await fleet.etcd.healthy();
  await fleet.release('after it');
  return `a release in the midst of it took ${(took / 1000).toFixed(1)} s`;
}

const disconnected = (fleet: RealFleet, server: Server, is: 0 | 1) =>
  until(
    `${server} connected ${is}`,
    150_000,
    async () => (await fleet.agents.get(server)!.metric('fourlane_cluster_connected')) === is,
  );

async function allDown(fleet: RealFleet, forMs: number): Promise<string> {
  const { etcd, agents } = fleet;
  for (const n of ALL_MEMBERS) await etcd.kill(n);
  await disconnected(fleet, CANARY, 0);
  await sleep(forMs / 2);
  // A start without etcd, too: with what was good.
  await agents.get('lb-03')!.end();
  await fleet.start('lb-03');
  await sleep(forMs / 2);
  for (const n of ALL_MEMBERS) etcd.boot(n);
  await etcd.healthy();
  await fleet.isWell();
  await fleet.release('after it');
  return `one server was started in the midst of it`;
}

async function restored(fleet: RealFleet): Promise<string> {
  const { etcd, dir } = fleet;
  const snapshot = join(dir, 'snapshot.db');
  await etcd.ctl(['snapshot', 'save', snapshot], etcd.endpoints.slice(0, 1));
  const before = await fleet.roots();
  await fleet.release('that the snapshot does not have');
  await etcd.restore(snapshot);
  await until('what the snapshot wants runs', 60_000, async () => (await fleet.roots()).join() === before.join());
  await fleet.isWell();
  await fleet.release('after it');
  return 'all went back to what the snapshot wants, and on from there';
}

async function expired(fleet: RealFleet): Promise<string> {
  const { operator, dir } = fleet;
  const { cert, key } = operator.tls('lb-02');
  const old = expiredCertificate(join(dir, 'expired'), operator.certificates, 'lb-02');
  const keep = [cert, key].map((path) => [path, `${path}.kept`] as const);
  for (const [path, kept] of keep) copyFileSync(path, kept);
  copyFileSync(old.key, key);
  copyFileSync(old.cert, cert);
  await disconnected(fleet, 'lb-02', 0);
  for (const [path, kept] of keep.toReversed()) copyFileSync(kept, path);
  await disconnected(fleet, 'lb-02', 1);
  await fleet.isWell();
  await fleet.release('after it');
  return 'the server went on without etcd, and took the new certificate by itself';
}

async function full(fleet: RealFleet): Promise<string> {
  const { etcd, operator } = fleet;
  const again = async (more: readonly string[]) => {
    for (const n of ALL_MEMBERS) {
      await etcd.kill(n);
      etcd.boot(n, more);
      await etcd.healthy();
    }
  };
  await again(['--quota-backend-bytes', '16777216']);
  const filler = 'x'.repeat(100_000);
  await until('etcd is full', 60_000, () =>
    etcd.ctl(['put', '/filler', filler]).then(
      () => false,
      (error: Error) => /space exceeded/.test(error.message),
    ),
  );
  const { code, err } = await operator.run('release', fleet.file(), '--why', 'it is full', '--urgent');
  assert.equal(code, 6, err);
  assert.match(err, /etcd is full: compact and defragment/);
  const text = await etcd.ctl(['endpoint', 'status', '--write-out', 'json'], etcd.endpoints.slice(0, 1));
  const [{ Status }] = JSON.parse(text) as [{ Status: { header: { revision: number } } }];
  await etcd.ctl(['compact', String(Status.header.revision)]);
  for (const endpoint of etcd.endpoints) await etcd.ctl(['defrag'], [endpoint]);
  await etcd.ctl(['alarm', 'disarm']);
  await again([]);
  await fleet.isWell();
  await fleet.release('after it');
  return 'a release was refused with what to do';
}

/**
 * Node reads the wall clock through libc: faketime's library moves it, and leaves the clock of durations alone. Its program would
 * fork, and a signal would end that and leave the agent.
 */
const FAKETIME = ['LD_PRELOAD=/usr/$LIB/faketime/libfaketimeMT.so.1', 'FAKETIME_DONT_FAKE_MONOTONIC=1'];
const faked = (offset: string) => ({ wrap: ['env', ...FAKETIME, `FAKETIME=${offset}`] });

async function ahead(fleet: RealFleet): Promise<string> {
  const agent = await fleet.restart('lb-03', faked('+1h'));
  const shown = Date.parse((await agent.status()).time) - Date.now();
  assert.ok(Math.abs(shown - 3_600_000) < 60_000, `its clock is ${shown} ms ahead`);
  await fleet.release('by a clock that is ahead');
  await fleet.isWell();
  await fleet.restart('lb-03');
  await fleet.isWell();
  return 'it applied a release in the midst of it';
}

async function behind(fleet: RealFleet): Promise<string> {
  const agent = await fleet.restart('lb-03', faked('-1h'));
  const shown = Date.parse((await agent.status()).time) - Date.now();
  assert.ok(Math.abs(shown + 3_600_000) < 60_000, `its clock is ${shown} ms ahead`);
  await sleep(LASTS_MS);
  const connected = await agent.metric('fourlane_cluster_connected');
  await fleet.restart('lb-03');
  await fleet.isWell();
  await fleet.release('after it');
  return connected === 1 ? 'it stayed connected' : 'the certificates were not valid yet by its clock: it went on without etcd';
}

/** `moment#n`: the nth time that it comes to this moment; the last ones when the release is proven. */
const LATER = ['report#2', 'report#3', 'save#2', 'saved#2'];
const ONCE = [...MOMENTS.filter((moment) => moment !== 'restore' && moment !== 'announce'), ...LATER];
const TWICE = ['saved', 'apply', 'applied', 'report', ...LATER];

/** It dies there as often as that: in the end it runs the release, or has called it poison and runs what was good. */
async function killed(fleet: RealFleet, point: string, times: number): Promise<string> {
  const { operator } = fleet;
  const before = (await fleet.roots()).join();
  const { n } = (await operator.json('release', fleet.file(), '--why', `killed at ${point}`)).release;
  // What crashes after it was applied must do so in the soak: later all rings have it, and a person must take it back.
  const soak = LATER.includes(point) || times > 1 ? '12s' : '0s';
  const [moment, which] = point.split('#');
  const killAt = `${moment}@${n}${which === undefined ? '' : `#${which}`}`;
  let agent = await fleet.restart(CANARY, { killAt });
  const rollout = operator.run('rollout', String(n), '--stage', `canary:${soak}`, '--stage', 'rest:0s', '--timeout', '90s');
  let over = Number.POSITIVE_INFINITY;
  void rollout.then(() => (over = performance.now()));
  let deaths = 0;
  while (deaths < times) {
    await until(
      `death ${deaths + 1} at ${killAt}, or the end`,
      60_000,
      () => agent.ended !== undefined || performance.now() > over + PROVEN_MS,
    );
    if (agent.ended === undefined) break;
    deaths++;
    agent = await fleet.start(CANARY, deaths < times ? { killAt } : {});
  }
  const { out } = await rollout;
  if (agent.ended !== undefined) await fleet.start(CANARY);
  await fleet.isWell();
  const roots = await fleet.roots();
  assert.equal(roots.length, 1, 'all run the same');
  const isPoison = /poison|ended unexpectedly/.test(out);
  assert.equal(isPoison || /rolledBack/.test(out), roots.join() === before, `after ${killAt}: ${out}`);
  await fleet.restart(CANARY);
  await fleet.isWell();
  assert.notEqual(deaths, 0, `it never came to ${killAt}`);
  return isPoison ? `poison after ${deaths}` : roots.join() === before ? 'given back' : 'applied';
}

const counted = (words: readonly string[]) =>
  Object.entries(Object.groupBy(words, (word) => word)).map(([word, all]) => `${all!.length} ${word}`);

export const FLEET_FAULTS: Readonly<Record<string, FleetFault>> = {
  'a member of etcd is killed': (fleet) =>
    meanwhile(
      fleet,
      () => fleet.etcd.kill(1),
      () => fleet.etcd.boot(1),
    ),
  'a member is stopped': (fleet) =>
    meanwhile(
      fleet,
      () => fleet.etcd.signal(2, 'SIGSTOP'),
      () => fleet.etcd.signal(2, 'SIGCONT'),
    ),
  'a member is cut from its clients': (fleet) =>
    meanwhile(
      fleet,
      () => fleet.etcd.cutClients(3),
      () => fleet.etcd.heal(3),
    ),
  'the leader is cut from the others': async (fleet) => {
    const leader = await fleet.etcd.leader();
    return meanwhile(
      fleet,
      () => fleet.etcd.isolate(leader),
      () => fleet.etcd.heal(leader),
    );
  },
  'all of etcd is down for 60 s': (fleet) => allDown(fleet, 60_000),
  'etcd is restored from an older snapshot': restored,
  'a certificate expires, and is replaced': expired,
  'etcd is full': full,
  'the clock of one server is 1 h ahead': ahead,
  'the clock of one server is 1 h behind': behind,
  'an agent is killed at 20 points of a release': async (fleet) => {
    const seen: string[] = [];
    for (const point of ONCE) seen.push(await killed(fleet, point, 1));
    for (const point of TWICE) seen.push(await killed(fleet, point, 2));
    assert.equal(seen.length, 20);
    return counted(seen).join(', ');
  },
};

/** Those that take a few seconds: `npm cit` plays them. */
export const SHORT = ['a member of etcd is killed', 'a member is cut from its clients', 'the leader is cut from the others'];
