import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contains, formatPrefix, masked, overlap, parsePrefix, type Prefix } from '../../src/edge/prefix.ts';
import {
  announcedBy,
  clusterPrefix,
  serverCapacity,
  serverPlan,
  shapeOf,
  type SnatShape,
  snatPlan,
} from '../../src/edge/snat-plan.ts';

describe('the plan of 16 servers with 16 cores and two NICs', () => {
  const plan = snatPlan({ pool: '10.0.0.0/24', servers: 16, cores: 16, groups: 2 });

  it('has a /29 for each NIC, a /28 for each server, a /24 for the cluster', () => {
    assert.deepEqual(plan.lengths, { group: 29, server: 28, cluster: 24 });
    assert.equal(plan.spare, 0n);
    assert.equal(serverCapacity(plan), 16 * 64_511);
  });

  it('gives server 3 the addresses from 48 to 63, one for each core', () => {
    const { prefix, groups } = serverPlan(plan, 3);
    assert.equal(formatPrefix(prefix), '10.0.0.48/28');
    assert.deepEqual(
      groups.map((g) => formatPrefix(g.prefix)),
      ['10.0.0.48/29', '10.0.0.56/29'],
    );
    assert.deepEqual(groups[1]!.cores[0], { core: 8, address: '10.0.0.56' });
    assert.equal(groups.flatMap((g) => g.cores).at(-1)!.address, '10.0.0.63');
  });

  it('announces the levels that are asked for', () => {
    assert.deepEqual(announcedBy(plan, 0, ['group', 'cluster']), [
      { level: 'group', prefix: '10.0.0.0/29', group: 0 },
      { level: 'group', prefix: '10.0.0.8/29', group: 1 },
      { level: 'cluster', prefix: '10.0.0.0/24' },
    ]);
  });
});

it('a server without groups of NICs has one', () => {
  const settings = { pool: '10.0.0.0/24', servers: 4, cores: 8, server: 0, announce: [], groups: {} };
  assert.equal(shapeOf(settings).groups, 1);
  assert.equal(shapeOf({ ...settings, groups: { eth2: 0, eth3: 1 } }).groups, 2);
});

it('a pool that is none is refused', () => {
  assert.throws(() => snatPlan({ pool: 'x', servers: 1, cores: 1, groups: 1 }), /x is not a prefix/);
});

/** Shapes of every size up to 20 servers and cores, both families. */
function* shapes(): Generator<SnatShape> {
  for (const pool of ['10.0.0.0/16', 'fd64::/96'])
    for (let servers = 1; servers <= 20; servers += 3)
      for (let cores = 1; cores <= 20; cores++)
        for (let groups = 1; groups <= Math.min(5, cores); groups++) yield { pool, servers, cores, groups };
}

/** That `parts` lie in `whole`, aligned, and touch nobody. */
function separate(parts: readonly Prefix[], whole: Prefix): void {
  for (const [i, part] of parts.entries()) {
    assert.ok(contains(whole, part), `${formatPrefix(part)} in ${formatPrefix(whole)}`);
    assert.equal(masked(part).base, part.base, `${formatPrefix(part)} is aligned`);
    const next = parts[i + 1];
    assert.ok(next === undefined || (!overlap(part, next) && next.base > part.base));
  }
}

it('whatever the counts, ranges are aligned, apart, inside one another, and every core has one address', () => {
  let seen = 0;
  for (const shape of shapes()) {
    const plan = snatPlan(shape);
    const pool = parsePrefix(shape.pool)!;
    const servers = Array.from({ length: shape.servers }, (_, i) => serverPlan(plan, i));
    assert.ok(contains(pool, clusterPrefix(plan)));
    separate(
      servers.map((s) => s.prefix),
      clusterPrefix(plan),
    );
    for (const { prefix, groups } of [servers[0]!, servers.at(-1)!]) {
      separate(
        groups.map((g) => g.prefix),
        prefix,
      );
      const cores = groups.flatMap((g) => g.cores.map((core) => ({ ...core, prefix: g.prefix })));
      assert.deepEqual(
        cores.map((c) => c.core),
        Array.from({ length: shape.cores }, (_, i) => i),
      );
      assert.equal(new Set(cores.map((c) => c.address)).size, shape.cores);
      for (const core of cores) assert.ok(contains(core.prefix, parsePrefix(core.address)!));
      seen++;
    }
  }
  assert.ok(seen > 1000, String(seen));
});

it('powers of two leave nothing over: the ranges fill the cluster', () => {
  const plan = snatPlan({ pool: '10.0.0.0/24', servers: 8, cores: 32, groups: 4 });
  const addresses = Array.from({ length: 8 }, (_, i) => serverPlan(plan, i)).flatMap((s) => s.groups.flatMap((g) => g.cores));
  assert.equal(new Set(addresses.map((c) => c.address)).size, 256);
});
