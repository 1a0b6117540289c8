/**
 * From the configuration file to HTTP, with other writers beside: the real reconciler, the real actuator, a stand-in of
 * dpvs-agent.
 */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { actuators } from '../../src/act/index.ts';
import { Reconciler } from '../../src/act/reconciler.ts';
import type { ActionReport } from '../../src/act/report.ts';
import { AgentServer, FakeAgent } from './dpvs-agent.ts';
import { type Mutable, planOf, wantedOf } from './world.ts';

const server = new AgentServer(() => ({ status: 404, body: '' }));
await server.listen();
after(() => server.close());

const ID = '10.71.0.102-8081-tcp';
const THEIRS = '10.71.0.103-80-tcp';
const OURS = ['10.72.0.11', '10.72.0.12', '10.72.0.13'] as const;
const NOT_OURS = '10.72.0.99';
const PORT = 8080;

const PLAN = planOf(`nics: [{name: eth2}, {name: eth3}]
services:
  - name: web
    vip: 10.71.0.102:8081/tcp
    realServers: [${OURS.map((ip) => `{address: "${ip}:${PORT}", weight: 20}`).join(', ')}]
    actuator: {dpvs: {url: '${server.url}', recheck: 10s}}
`);

/** The agent's part that acts, on a clock the test turns. */
class World {
  readonly fake = new FakeAgent();
  readonly reports: ActionReport[] = [];
  now = 0;
  weights = OURS.map(() => 1);
  #reconciler = this.#start();

  constructor() {
    this.fake.put(
      ID,
      [...OURS, NOT_OURS].map((ip, i) => ({ ip, port: PORT, weight: 100 + i })),
    );
    this.fake.put(THEIRS, [{ ip: OURS[0], port: PORT, weight: 9 }]);
    server.requests.length = 0;
    server.respond = (request) => this.fake.respond(request);
  }

  #start(): Reconciler {
    const options = { actuators, clock: () => this.now, random: () => 0.5 };
    const reconciler = new Reconciler({ ...options, onAction: (report) => this.reports.push(report) });
    reconciler.setPlan(PLAN);
    return reconciler;
  }

  /** The process is killed and started again with what it had saved. */
  restart(): void {
    const saved = JSON.parse(JSON.stringify(this.#reconciler));
    this.#reconciler = this.#start();
    this.#reconciler.restore(saved);
  }

  async pass(change: (w: Mutable) => void = () => undefined): Promise<void> {
    this.#reconciler.pass(
      wantedOf(PLAN, (w) => (w.weight[0]!.set(this.weights), change(w))),
      [],
    );
    await this.#reconciler.idle();
  }

  /** Time goes on: pauses end, rechecks are due. */
  async wait(ms: number): Promise<void> {
    this.now += ms;
    this.#reconciler.tick();
    await this.#reconciler.idle();
  }

  metric(name: string, ...labels: string[]): number {
    const family = this.#reconciler.families().find((f) => f.name === name)!;
    return Number(family.values[family.rows.findIndex((row) => row.join() === ['dpvs', ...labels].join())]);
  }

  unsupported() {
    return this.#reconciler.unsupported();
  }

  rows(name: string) {
    return this.#reconciler.families().find((f) => f.name === name)?.rows ?? [];
  }

  pending() {
    return this.#reconciler.pending();
  }

  state(ip: string, id = ID) {
    const rs = this.fake.rs(id, ip);
    return rs && [rs.weight, rs.inhibited];
  }
}

describe('dpvs from the configuration to the agent', () => {
  it('out, slow start, back; counted', async () => {
    const world = new World();
    await world.pass();
    assert.deepEqual(server.requests, [], 'at rest nothing is asked');
    for (const [fraction, state] of [
      [0, [0, true]],
      [0.1, [10, false]],
      [0.5, [50, false]],
      [1, [100, false]],
    ] as const) {
      world.weights = [fraction, 1, 1];
      await world.pass();
      assert.deepEqual(world.state(OURS[0]), state);
    }
    assert.equal(world.metric('fourlane_actions_total', 'ok'), 4);
    assert.deepEqual([world.pending(), world.metric('fourlane_action_drift_total')], [[], 0]);
  });

  it('survives a restart while a real server is out', async () => {
    const world = new World();
    world.weights = [0, 1, 1];
    await world.pass();
    world.restart();
    await world.pass();
    world.weights = [1, 1, 1];
    await world.pass();
    assert.deepEqual(world.state(OURS[0]), [100, false]);
  });

  it('finds drift at the next recheck, does it again, and counts it once', async () => {
    const world = new World();
    world.weights = [0, 1, 1];
    await world.pass();
    await world.wait(10_000);
    assert.equal(world.metric('fourlane_action_drift_total'), 0);
    assert.equal(world.reports.length, 1, 'a recheck that finds nothing is not told');
    world.fake.put(ID, [{ ip: OURS[0], port: PORT, weight: 70 }]);
    await world.wait(5000);
    assert.deepEqual(world.state(OURS[0]), [70, false], 'not due yet');
    await world.wait(5000);
    assert.deepEqual([world.state(OURS[0]), world.metric('fourlane_action_drift_total')], [[0, true], 1]);
    assert.deepEqual([world.reports[1]?.result, world.reports[1]?.drift], ['ok', true]);
    await world.wait(10_000);
    assert.equal(world.metric('fourlane_action_drift_total'), 1);
    world.weights = [1, 1, 1];
    await world.pass();
    assert.deepEqual(world.state(OURS[0]), [70, false]);
  });

  it('drift that cannot be put back stays visible', async () => {
    const world = new World();
    world.weights = [0, 1, 1];
    await world.pass();
    world.fake.direct(ID, [{ ip: OURS[0], port: PORT, weight: 100 }]);
    world.fake.cache.clear();
    await world.wait(10_000);
    await world.wait(10_000);
    assert.deepEqual([world.metric('fourlane_action_drifted'), world.metric('fourlane_action_drift_total')], [1, 1]);
    assert.match(world.pending()[0]?.error ?? '', /dpvs-agent has not made this service itself/);
    world.fake.put(
      ID,
      [...OURS, NOT_OURS].map((ip) => ({ ip, port: PORT, weight: 100 })),
    );
    await world.wait(120_000);
    assert.deepEqual([world.metric('fourlane_action_drifted'), world.state(OURS[0])], [0, [0, true]]);
  });

  it('slices and paths: counted, told once, nothing sent', async () => {
    const world = new World();
    const cut = (w: Mutable) => {
      w.nicEnabled[0] = 0;
      w.path[0]!.fill(0, 0, 2);
    };
    await world.pass(cut);
    await world.pass(cut);
    assert.deepEqual(
      world.reports.map((r) => [r.effect.kind, r.result, r.error]),
      ['slice', 'path'].map((kind) => [
        kind,
        'unsupported',
        `dpvs can't carry out effects of kind ${kind}; this is told once for the service`,
      ]),
    );
    assert.deepEqual([world.metric('fourlane_action_unsupported'), world.pending(), server.requests], [3, [], []]);
    assert.deepEqual(
      world.unsupported().map((p) => [p.effect.kind, p.actual, p.since, p.error]),
      ['slice', 'path', 'path'].map((kind) => [kind, 'enabled', 0, `dpvs can't carry out effects of kind ${kind}`]),
    );
    await world.pass();
    assert.deepEqual(world.unsupported(), []);
    assert.equal(world.metric('fourlane_action_unsupported'), 0);
  });

  it('no support in DPVS: told, visible, not asked again until something else is wanted', async () => {
    const world = new World();
    world.fake.support = false;
    world.fake.cache.clear();
    world.weights = [0, 1, 1];
    await world.pass();
    await world.pass();
    const asked = server.requests.length;
    for (let i = 0; i < 20; i++) await world.wait(60_000);
    assert.equal(server.requests.length, asked);
    assert.deepEqual([world.metric('fourlane_action_unsupported'), world.pending()], [1, []]);
    assert.match(world.reports[0]?.error ?? '', /CONFIG_DPVS_AGENT=y/);
    const [open] = world.unsupported();
    assert.deepEqual([open?.state, open?.actual, open?.since], ['unsupported', 'enabled 20', 0]);
    assert.match(open?.error ?? '', /CONFIG_DPVS_AGENT=y/);
    const [labels] = world.rows('fourlane_action_not_in_place_since_timestamp_seconds');
    assert.deepEqual(labels?.slice(0, 4), ['dpvs', 'real server 10.72.0.11:8080 of web', 'weight 0', 'weight 20']);
    world.weights = [1, 1, 1];
    await world.pass();
    assert.deepEqual([world.metric('fourlane_action_unsupported'), world.pending()], [0, []]);
  });
});

type Deed =
  | { readonly do: 'want'; readonly rs: number; readonly fraction: number }
  | { readonly do: 'wait' | 'restart' | 'forget' }
  | { readonly do: 'owner' | 'past'; readonly rs: number; readonly weight: number }
  | { readonly do: 'take' | 'release'; readonly rs: number };

const rs = fc.nat(3);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('want'), rs: fc.nat(2), fraction: fc.constantFrom(0, 0.1, 0.5, 1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('wait', 'restart') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('owner'), rs, weight: fc.constantFrom(0, 1, 70, 200, 65_535) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('past'), rs, weight: fc.integer({ min: 1, max: 300 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('take', 'release'), rs }) },
) as fc.Arbitrary<Deed>;
/** Changes by the owner just before the n-th request of a call: what the version is there for. */
const meddling = fc.array(fc.option(fc.record({ rs, weight: fc.constantFrom(0, 5, 150) }), { freq: 3 }), { maxLength: 30 });

it('dpvs beside other writers: weights come back exactly, nothing else is touched', async () => {
  const all = [...OURS, NOT_OURS];
  const property = fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 12 }), meddling, async (deeds, meddlings) => {
    const world = new World();
    const { fake } = world;
    const configured = all.map((ip) => fake.rs(ID, ip)!.weight);
    /** The last weight that is not fourlane's (one of these), and whether another health checker has it out. */
    const truth = configured.map((weight) => ({ weights: [weight], held: false }));
    const owner = (i: number, weight: number) => {
      fake.put(ID, [{ ip: all[i]!, port: PORT, weight }]);
      // An owner who configures what is configured leaves no trace: after a change past the agent nobody can tell that he
      // meant it.
      const again = configured[i] === weight ? truth[i]!.weights : [];
      configured[i] = weight;
      truth[i] = { weights: [weight, ...again], held: false };
    };
    const script = [...meddlings];
    server.respond = (request) => {
      const change = script.shift();
      if (change) owner(change.rs, change.weight);
      const before = JSON.stringify([fake.rs(ID, NOT_OURS), fake.rss(THEIRS)]);
      const answer = fake.respond(request);
      assert.equal(JSON.stringify([fake.rs(ID, NOT_OURS), fake.rss(THEIRS)]), before, 'not ours');
      return answer;
    };
    for (const step of deeds) {
      if (step.do === 'want') world.weights[step.rs] = step.fraction;
      if (step.do === 'restart') world.restart();
      if (step.do === 'owner') owner(step.rs, step.weight);
      if (step.do === 'past') {
        fake.direct(ID, [{ ip: all[step.rs]!, port: PORT, weight: step.weight }]);
        truth[step.rs] = { weights: [step.weight], held: false };
      }
      // Two checkers that have the same real server out share one flag; nobody can tell whose it is then.
      if (step.do === 'take' && (world.weights[step.rs] ?? 1) > 0 && !truth[step.rs]!.held) {
        fake.health(ID, { ip: all[step.rs]!, port: PORT, weight: 0, inhibited: true });
        truth[step.rs]!.held = true;
      }
      if (step.do === 'release' && truth[step.rs]!.held) {
        const weight = configured[step.rs]!;
        fake.health(ID, { ip: all[step.rs]!, port: PORT, weight, inhibited: false });
        truth[step.rs] = { weights: [weight], held: false };
      }
      if (step.do === 'wait') await world.wait(10_000);
      else await world.pass();
    }
    script.length = 0;
    world.weights.fill(1);
    await world.pass();
    for (let i = 0; i < 10 && world.pending().length > 0; i++) await world.wait(120_000);
    assert.deepEqual(world.pending(), []);
    all.forEach((ip, i) => {
      const { weights, held } = truth[i]!;
      const [weight, inhibited] = world.state(ip) as [number, boolean];
      assert.equal(inhibited, held, ip);
      if (held) assert.equal(weight, 0, ip);
      else assert.ok(weights.includes(weight), `${ip} has ${weight}, not ${weights.join(' or ')}`);
    });
    for (const { path, body } of server.writes) {
      assert.ok(path.startsWith(`/v2/vs/${ID}/rs/health?version=`));
      for (const item of JSON.parse(body).Items) assert.ok(OURS.includes(item.ip) && item.port === PORT);
    }
  });
  await fc.assert(property, { numRuns: 40 });
});
