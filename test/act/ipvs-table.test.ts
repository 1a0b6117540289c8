import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Effect, WantedEntries } from '../../src/act/actuator.ts';
import { ledgerOf, planEffects } from '../../src/act/effects.ts';
import { parseDestination, TOP } from '../../src/act/ipvs/codec.ts';
import { foundServerText, parseService, serverBytes, serverText, serviceBytes, serviceText } from '../../src/act/ipvs/entries.ts';
import type { MadeService } from '../../src/act/ipvs/made.ts';
import { decideTable } from '../../src/act/ipvs/table.ts';
import { leftBefore } from '../../src/act/left-before.ts';
import { Reconciler } from '../../src/act/reconciler.ts';
import { CHECKSUMS, LVS_FLAGS, type LvsServer, type LvsService } from '../../src/model/plan.ts';
import { parseAttributes } from '../../src/sys/netlink.ts';
import { Kernel } from './ipvs-kernel.ts';
import { planOf, wantedOf } from './world.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-table-'));
after(() => rmSync(dir, { recursive: true }));
const VIP = '10.0.0.1:80/tcp';
const [RS1, RS2, RS3] = ['10.1.0.1:80', '10.1.0.2:80', '10.1.0.3:80'] as const;

const plan = (servers: readonly string[], make = '{scheduler: wrr}', more = '') =>
  planOf(`stateDir: ${dir}
nics: [{name: eth2}]
services:
  - {name: web, vip: '${VIP}', realServers: [${servers.join(', ')}], actuator: {ipvs: {make: ${make}${more}}}}
`);

/** The effect of the service as a plan wants it; weights by position that are not the configured ones. */
function effectFor(made: ReturnType<typeof plan>, parts: Readonly<Record<number, number>> = {}): Effect {
  const wanted = wantedOf(made, (w) => {
    for (const [position, part] of Object.entries(parts)) w.weight[0]![Number(position)] = part;
  });
  return [...planEffects(made).wanted(wanted, []).values()].find(({ spec }) => spec.type === 'ipvsTable')!;
}

const at = (address: string, weight: number) => `{address: '${address}', weight: ${weight}}`;
const BOTH = [at(RS1, 5), at(RS2, 7)];

describe('entries of kernel LVS', () => {
  it('are made where they are missing, with the weights that are wanted now, and then left alone', async () => {
    const kernel = new Kernel(join(dir, 'made.json'));
    assert.deepEqual(await kernel.call(effectFor(plan(BOTH), { 1: 0 })), { result: 'done', differs: false });
    assert.deepEqual(kernel.printed(), [`${VIP} -s wrr`, `${VIP} -r ${RS1} -m -w 5`, `${VIP} -r ${RS2} -m -w 0`]);
    kernel.setWeight(VIP, RS1, 2);
    assert.deepEqual(await kernel.call(effectFor(plan(BOTH))), { result: 'unchanged', differs: false });
    assert.deepEqual(kernel.printed().slice(1), [`${VIP} -r ${RS1} -m -w 2`, `${VIP} -r ${RS2} -m -w 0`]);
  });

  it('follow the configuration: options, weights, real servers that come and go', async () => {
    const kernel = new Kernel(join(dir, 'follow.json'));
    await kernel.call(effectFor(plan(BOTH)));
    const other = plan([at(RS1, 6), at(RS3, 1)], '{scheduler: rr, method: DR, persistence: 300s, upper: 10}');
    assert.deepEqual(await kernel.call(effectFor(other)), { result: 'done', differs: false });
    const printed = [`${VIP} -s rr -p 300`, `${VIP} -r ${RS1} -g -x 10 -w 6`, `${VIP} -r ${RS3} -g -x 10 -w 1`];
    assert.deepEqual(kernel.printed(), printed);
    assert.equal((await kernel.call(effectFor(other))).result, 'unchanged');
  });

  it('that somebody else removes or changes come back, and that is drift', async () => {
    const kernel = new Kernel(join(dir, 'drift.json'));
    await kernel.call(effectFor(plan(BOTH)));
    const whole = kernel.printed();
    for (const spoil of [() => kernel.remove(VIP), () => kernel.remove(VIP, RS1), () => kernel.change(VIP, '-s sh')]) {
      spoil();
      assert.deepEqual(await kernel.call(effectFor(plan(BOTH))), { result: 'done', differs: true });
      assert.deepEqual(kernel.printed(), whole);
    }
  });

  it('of others stay as they are and are named; existing: adopt takes them over', async () => {
    const kernel = new Kernel(join(dir, 'others.json'));
    kernel.put(VIP, '-s rr', { [RS1]: ['-g', 9], [RS3]: ['-m', 1] });
    const left = await kernel.call(effectFor(plan(BOTH)));
    assert.deepEqual([left.result, left.mayPass], ['unsupported', true]);
    assert.equal(
      left.message,
      `left as others have made it: the service is -s rr instead of -s wrr; real server ${RS1} is -g instead of -m; ` +
        `real server ${RS3}, which the configuration does not have. Remove it, or write existing: adopt`,
    );
    assert.deepEqual(kernel.printed(), [
      `${VIP} -s rr`,
      `${VIP} -r ${RS1} -g -w 9`,
      `${VIP} -r ${RS2} -m -w 7`,
      `${VIP} -r ${RS3} -m -w 1`,
    ]);
    assert.equal((await kernel.call(effectFor(plan(BOTH, '{scheduler: wrr, existing: adopt}')))).result, 'done');
    assert.deepEqual(kernel.printed(), [`${VIP} -s wrr`, `${VIP} -r ${RS1} -m -w 5`, `${VIP} -r ${RS2} -m -w 7`]);
  });

  it('are removed with the service when the configuration has it no longer, as far as fourlane has made them', async () => {
    const kernel = new Kernel(join(dir, 'removed.json'));
    const effect = effectFor(plan(BOTH));
    await kernel.call(effect);
    const gone = planEffects(planOf('nics: [{name: eth2}]')).rest(effect)!;
    assert.deepEqual([gone.state, gone.reason], ['disabled', 'no longer configured']);
    assert.equal(planEffects(plan(BOTH)).rest(effect), undefined, 'never while some service has this VIP');
    kernel.put(VIP, '-s wrr', { [RS1]: ['-m', 5], [RS2]: ['-m', 7], [RS3]: ['-m', 1] });
    const kept = await kernel.call(gone);
    assert.match(
      kept.message ?? '',
      /^left as others have made it: the service, since it has real servers that fourlane has not made/,
    );
    assert.deepEqual(kernel.printed(), [`${VIP} -s wrr`, `${VIP} -r ${RS3} -m -w 1`]);
    const whole = new Kernel(join(dir, 'whole.json'));
    await whole.call(effect);
    await whole.call(gone);
    assert.deepEqual([whole.printed(), JSON.parse(readFileSync(whole.ledger, 'utf8')).services], [[], {}]);
    assert.deepEqual(await whole.call(gone), { result: 'unchanged', differs: false });
  });

  it('are left to a keepalived that runs with them; running: overwrite writes all the same', async () => {
    const kernel = new Kernel(join(dir, 'keepalived.json'));
    kernel.owner = 'keepalived (pid 7, f) manages this service';
    const refused = await kernel.call(effectFor(plan(BOTH)));
    assert.deepEqual([refused.result, refused.mayPass, kernel.printed()], ['unsupported', true, []]);
    assert.match(refused.message ?? '', /^keepalived \(pid 7, f\) manages this service: stop that keepalived, or shadow it/);
    assert.equal((await kernel.call(effectFor(plan(BOTH, '{}, keepalived: overwrite')))).result, 'done');
  });

  it('of a call that was cut off at any step: the next agent goes on, and removes all that is its own', async () => {
    const effect = effectFor(plan(BOTH));
    const gone = { ...effect, state: 'disabled' } as const;
    for (let steps = 0; steps <= 3; steps++) {
      const kernel = new Kernel(join(dir, `cut-${steps}.json`));
      kernel.dieAfter = steps;
      await kernel.call(effect).catch(() => undefined);
      kernel.dieAfter = Infinity;
      await kernel.call(effect);
      assert.equal(kernel.printed().length, 3, `after ${steps} steps`);
      await kernel.call(gone);
      assert.deepEqual(kernel.printed(), [], `after ${steps} steps`);
    }
  });

  it('of an agent that ended before it saved anything are known by the ledger: removed, unless they are wanted', async () => {
    for (const [wanted, left] of [
      [plan([at(RS1, 5)]), [`${VIP} -s wrr`, `${VIP} -r ${RS1} -m -w 5`]],
      [planOf(`stateDir: ${dir}\nnics: [{name: eth2}]`), []],
    ] as const) {
      const kernel = new Kernel(ledgerOf(wanted));
      await kernel.call(effectFor(plan(BOTH)));
      const reconciler = new Reconciler({ actuators: [kernel.actuator], clock: () => 0 });
      reconciler.setPlan(wanted);
      assert.equal(reconciler.restore(await leftBefore(wanted)), 0);
      reconciler.pass(wantedOf(wanted), []);
      await reconciler.idle();
      assert.deepEqual(kernel.printed(), left);
    }
  });

  it('that appear in the middle of a call are not ours; what the kernel refuses is named and tried again', async () => {
    const kernel = new Kernel(join(dir, 'raced.json'));
    kernel.before = (step) => {
      if (step.do === 'addServer' && step.name === RS2) kernel.put(VIP, '-s wrr', { [RS1]: ['-m', 5], [RS2]: ['-m', 7] });
    };
    const outcome = await kernel.call(effectFor(plan(BOTH)));
    assert.deepEqual(
      [outcome.result, outcome.message],
      ['failed', `IPVS refuses the real server ${RS2} -m -w 7: the kernel answered EEXIST`],
    );
    kernel.before = () => undefined;
    await kernel.call(effectFor(plan([at(RS1, 5)])));
    assert.deepEqual(kernel.printed(), [`${VIP} -s wrr`, `${VIP} -r ${RS1} -m -w 5`, `${VIP} -r ${RS2} -m -w 7`]);
  });

  it('a ledger that is damaged stops everything, and one of another boot counts for nothing', async () => {
    const kernel = new Kernel(join(dir, 'damaged.json'));
    await kernel.call(effectFor(plan(BOTH)));
    const text = readFileSync(kernel.ledger, 'utf8');
    writeFileSync(kernel.ledger, text.slice(0, -5));
    const damaged = await kernel.call(effectFor(plan(BOTH)));
    assert.match(damaged.message ?? '', /damaged\.json is damaged: remove it/);
    writeFileSync(kernel.ledger, text.replace(/"boot":"[^"]*"/, '"boot":"another"'));
    assert.equal((await kernel.call(effectFor(plan(BOTH)))).result, 'unchanged', 'as wanted, though of others');
    const gone = { ...effectFor(plan(BOTH)), state: 'disabled' } as const;
    await kernel.call(gone);
    assert.equal(kernel.printed().length, 3);
  });
});

describe('the decision about a table', () => {
  const name = fc.constantFrom(RS1, RS2, RS3);
  const server = fc.record({ method: fc.constantFrom('NAT' as const, 'DR' as const), weight: fc.nat(3) });
  const wanted = fc.option(fc.dictionary(name, server), { nil: undefined });

  it('reaches what is wanted in one call, keeps its hands off the rest, and then rests: whatever happens', () => {
    const history = fc.array(fc.record({ wanted, adopt: fc.boolean(), foreign: fc.option(fc.tuple(name, server)) }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(history, (events) => {
        let [service, servers] = [undefined as string | undefined, new Map<string, { text: string; weight: number }>()];
        let made: MadeService = { servers: {} };
        for (const { wanted: entries, adopt, foreign } of events) {
          if (foreign !== null && service !== undefined)
            servers.set(foreign[0], { text: serverText(foreign[1]), weight: foreign[1].weight });
          const want = entries === undefined ? undefined : entriesOf(entries, adopt);
          const others = new Map([...servers].filter(([key]) => made.servers[key] === undefined));
          const found = service === undefined ? undefined : { text: service, servers };
          const decision = decideTable(want, found, made);
          servers = new Map(servers);
          for (const step of decision.steps) {
            if ('lvs' in step) service = serviceText(step.lvs);
            else if (step.do === 'deleteService') [service, servers] = [undefined, new Map()];
            else if ('server' in step) servers.set(step.name, { text: serverText(step.server), weight: step.weight });
            else servers.delete(step.name);
          }
          made = decision.made;
          if (!adopt) for (const [key, other] of others) assert.deepEqual(servers.get(key), other);
          const again = decideTable(want, service === undefined ? undefined : { text: service, servers }, made);
          assert.deepEqual(again.steps, []);
          if (want !== undefined && decision.left.length === 0)
            assert.deepEqual([...servers.keys()].sort(), want.servers.map((each) => each.name).sort());
        }
      }),
      { numRuns: 3000 },
    );
  });
});

function entriesOf(servers: Readonly<Record<string, LvsServer & { weight: number }>>, adopt: boolean): WantedEntries {
  const names = Object.keys(servers);
  return {
    lvs: { ...SERVICE, servers: Object.values(servers), existing: adopt ? 'adopt' : 'leave' },
    servers: names.map((each) => ({ name: each, realServer: each, configured: servers[each]!.weight })),
    weights: new Map(),
  };
}

const SERVICE: LvsService = { family: 4, scheduler: 'wrr', flags: [], persistence: 0, servers: [], existing: 'leave' };

describe('entries as bytes', () => {
  const attributesOf = (bytes: Buffer) => parseAttributes(bytes);

  it('say the same as their text: services of both families, marks, flags, persistence', () => {
    const services = fc.record({
      vip: fc.constantFrom('10.0.0.1:80/tcp', '[2001:db8::1]:53/udp', 'fwmark:7'),
      scheduler: fc.constantFrom('rr', 'wlc', 'mh'),
      flags: fc.subarray([...LVS_FLAGS]),
      persistence: fc.constantFrom(0, 1, 360),
      masked: fc.boolean(),
      engine: fc.boolean(),
      six: fc.boolean(),
    });
    fc.assert(
      fc.property(services, ({ vip, scheduler, flags, persistence, masked, engine, six }) => {
        const family = vip.startsWith('fwmark') ? (six ? 6 : 4) : vip.startsWith('[') ? 6 : 4;
        const netmask = masked ? { netmask: family === 6 ? '64' : '255.255.0.0' } : {};
        const lvs: LvsService = {
          ...SERVICE,
          family,
          scheduler,
          flags,
          persistence,
          ...netmask,
          ...(engine ? { engine: 'sip' } : {}),
        };
        assert.deepEqual(parseService(attributesOf(serviceBytes(vip, lvs))), { vip, family, text: serviceText(lvs) });
      }),
    );
  });

  it('say the same as their text: real servers by every way to them', () => {
    const tunnels = [
      undefined,
      { type: 'ipip' as const },
      ...CHECKSUMS.flatMap((checksum) => [
        { type: 'gue' as const, port: 6080, checksum },
        { type: 'gre' as const, checksum },
      ]),
    ];
    for (const [name, method] of [
      ['10.1.0.1:80', 'NAT'],
      ['[fd00::1]:443', 'DR'],
      ['10.1.0.1', 'TUN'],
    ] as const)
      for (const tunnel of method === 'TUN' ? tunnels : [undefined])
        for (const [upper, lower] of [
          [0, 0],
          [10, 5],
        ] as const) {
          const server: LvsServer = { method, upper, lower, ...(tunnel === undefined ? {} : { tunnel }) };
          const bytes = serverBytes(name, server, 3);
          const read = parseDestination(attributesOf(bytes));
          assert.deepEqual([read.realServer, read.weight], [name, 3]);
          assert.equal(foundServerText(read.forward, attributesOf(attributesOf(bytes).get(TOP.dest)!)), serverText(server));
        }
  });
});
