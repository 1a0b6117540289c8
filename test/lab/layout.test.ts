import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { loadPlanFile } from '../../src/config/load.ts';
import { agentConfig, type Layout } from '../../src/lab/layout.ts';
import { loopbackLayout } from '../../src/lab/loopback.ts';
import { labLayout } from '../../src/lab/topology.ts';

/** The plan the agent makes of a layout. */
function planOf(layout: Layout) {
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-layout-'));
  try {
    writeFileSync(join(dir, 'c.yaml'), stringify(agentConfig(layout, { stateDir: dir, control: join(dir, 'control') })));
    return loadPlanFile(join(dir, 'c.yaml'), { hostname: 'test' });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('the lab is 3 NICs, 12 real servers, 4 services: one per NIC and one on all, one of them on IPv6', () => {
  const plan = planOf(labLayout);
  assert.deepEqual(
    plan.nics.map((n) => [n.name, n.device, n.anchors.length]),
    [1, 2, 3].map((i) => [`eth${i}`, `eth${i}`, 2]),
  );
  assert.equal(labLayout.servers.length, 12);
  assert.deepEqual(
    plan.services.map((s) => [s.vip, s.nics.length, s.realServers.length]),
    [
      ['10.0.0.1:80/tcp', 1, 4],
      ['10.0.0.2:80/tcp', 1, 4],
      ['[fd70::3]:80/tcp', 1, 4],
      ['10.0.0.9:80/tcp', 3, 12],
    ],
  );
  // The IPv4 address of each, and the IPv6 address of those behind the IPv6 service.
  assert.equal(plan.targets.length, 16);
  assert.deepEqual(
    plan.targets.map((t) => t.id),
    plan.targets.map((t) => t.realServer),
  );
});

test('on loopback three lanes share one device, each with its own source', () => {
  const plan = planOf(loopbackLayout(20_000));
  assert.deepEqual(
    plan.nics.map((n) => [n.name, n.device, n.source]),
    [1, 2, 3].map((i) => [`lo${i}`, 'lo', `127.0.0.1${i}`]),
  );
  assert.deepEqual([plan.services.length, plan.targets.length], [4, 12]);
});
