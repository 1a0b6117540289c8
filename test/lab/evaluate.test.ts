import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Transition } from '../../src/lab/agent.ts';
import type { Tally } from '../../src/lab/tally.ts';
import { evaluate, type Observation } from '../../src/lab/evaluate.ts';
import { faultsOf } from '../../src/lab/faults.ts';
import type { Change } from '../../src/lab/switchboard.ts';
import { loopbackLayout } from '../../src/lab/loopback.ts';
import { labLayout } from '../../src/lab/topology.ts';

const { services } = labLayout;
const faults = faultsOf(labLayout);
const cut = faults.find((f) => f.name === 'link-cut')!;
const tally = (failed = 0): Tally => ({ sent: 20, ok: 20 - failed, failed, pending: 0, errors: {} });
const requests = (failed: Record<string, number> = {}) =>
  Object.fromEntries(services.map((s) => [s.name, tally(failed[s.name])]));
const nicFail = (t: number, more: object = {}) =>
  ({ t, subject: 'nic', nic: 'eth1', verdict: 'NIC_FAIL', cause: 'carrier', ...more }) as unknown as Transition;
const off = (t: number, service: string, nic = 'eth1'): Change => ({ t, kind: 'slice', service, nic, state: 0, weight: 0 });

/** A link cut as it should go. */
const good: Observation = {
  t0: 1000,
  applyMs: 20,
  transitions: [nicFail(1060)],
  changes: [off(1070, 'web1'), off(1070, 'all')],
  failures: [{ t: 1010, service: 'all', nic: 'eth1', rs: 'x', error: 'client gave up' }],
  requests: requests({ web1: 20, all: 1 }),
  afterActions: tally(),
};
const problems = (change: Partial<Observation>) => evaluate(cut, { ...good, ...change }).problems.join('; ');

test('the expected course passes, with its times', () => {
  const row = evaluate(cut, good);
  assert.deepEqual(row.problems, []);
  assert.deepEqual([row.verdictMs, row.actionMs, row.othersFailed, row.touchedFailed], [60, 70, 0, 21]);
  assert.deepEqual(row.actions, ['slice web1 eth1 off', 'slice all eth1 off']);
});

test('each way to go wrong is a problem of its own', () => {
  assert.match(problems({ transitions: [] }), /no NIC_FAIL\(eth1\) by carrier/);
  assert.match(problems({ transitions: [nicFail(1060, { cause: 'link' })] }), /no NIC_FAIL.*unexpected NIC_FAIL\(eth1\) link/);
  assert.match(
    problems({ transitions: [nicFail(1501)] }),
    /NIC_FAIL\(eth1\) after 501 ms, allowed 500; 20 ms of them to apply the fault/,
  );
  assert.match(problems({ transitions: [nicFail(1060), nicFail(1070, { nic: 'eth2' })] }), /unexpected NIC_FAIL\(eth2\)/);
  assert.match(problems({ changes: [off(1070, 'web1')] }), /not done: slice all eth1/);
  assert.match(problems({ changes: [off(1070, 'web1'), off(1600, 'all')] }), /slice all eth1 off after 600 ms, allowed 500/);
  assert.match(problems({ changes: [...good.changes, off(1080, 'web2', 'eth2')] }), /wrong action: slice web2 eth2 off at 80 ms/);
  assert.match(
    problems({ changes: [...good.changes, { ...off(1090, 'all'), state: 1, weight: 1 }] }),
    /wrong action: slice all eth1 100 %/,
  );
  assert.match(problems({ requests: requests({ web2: 2 }) }), /2 requests failed on slices the fault does not touch/);
  assert.match(
    problems({ failures: [{ t: 1010, service: 'all', nic: 'eth2', rs: 'x', error: 'e' }] }),
    /1 requests failed on slices/,
  );
  assert.match(problems({ requests: { ...requests(), web3: { ...tally(), sent: 0 } } }), /sent nothing/);
  assert.match(problems({ afterActions: tally(3) }), /3 requests of the service on all NICs failed after the action/);
});

test('SUSPECT and recovery are never strange', () => {
  assert.equal(
    problems({ transitions: [nicFail(1050, { verdict: 'SUSPECT' }), nicFail(1060), nicFail(1500, { verdict: 'OK' })] }),
    '',
  );
});

test('every fault names known services and NICs, and wants something or forbids everything', () => {
  const names = new Set(faults.map((f) => f.name));
  assert.equal(names.size, 16);
  const onLoopback = faultsOf(loopbackLayout(20_000)).filter((f) => !f.needsNetwork);
  assert.deepEqual(
    onLoopback.map((f) => f.name),
    ['rs-refuse', 'health-500', 'agent-stop', 'lane-crash'],
  );
  for (const f of [...faults, ...onLoopback]) {
    for (const a of f.actions) {
      assert.ok(
        services.some((s) => s.name === a.service),
        f.name,
      );
      assert.ok(f.hurts.includes(a.service), `${f.name}: acts on ${a.service} but does not call it hurt`);
    }
    if (f.actions.length > 0) assert.ok(f.actionsWithinMs > 0, f.name);
  }
});

test('docs/lab.md lists exactly these faults', () => {
  const text = readFileSync(new URL('../../docs/lab.md', import.meta.url), 'utf8');
  const listed = [...text.matchAll(/^\| `([a-z0-9-]+)` \| [^|]+ \| [^|]+ \| [^|]*\|$/gm)].map((m) => m[1]);
  assert.deepEqual(
    listed.filter((n) => !/^(web\d|all)$/.test(n!)),
    faults.map((f) => f.name),
  );
});
