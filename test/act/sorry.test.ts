/** The sorry server of a managed service: in exactly while the quorum is lost as keepalived counts, never by blindness. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import * as z from 'zod';
import { actuator, type Effect } from '../../src/act/actuator.ts';
import { planEffects } from '../../src/act/effects.ts';
import { Reconciler } from '../../src/act/reconciler.ts';
import type { Plan, SorryServer } from '../../src/model/plan.ts';
import type { AgentVerdict, Verdict, Wanted } from '../../src/model/verdict.ts';
import { Kernel } from './ipvs-kernel.ts';
import { planOf, verdictOf, wantedOf } from './world.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-sorry-'));
after(() => rmSync(dir, { recursive: true }));
const VIP = '10.0.0.1:80/tcp';
const SORRY = '10.9.0.9:80';
const addressOf = (position: number) => `10.1.0.${position + 1}:80`;

interface Options {
  readonly weights?: readonly number[];
  readonly quorum?: number;
  readonly hysteresis?: number;
  readonly sorry?: Partial<SorryServer> | undefined;
}

/** A service with these weights, its quorum and its sorry server, as an import with `mode: manage` has it. */
function managed(options: Options = {}): Plan {
  const { weights = [5, 7], quorum = 6, hysteresis = 0, sorry = {} } = options;
  const list = weights.map((weight, i) => `{address: '${addressOf(i)}', weight: ${weight}}`).join(', ');
  const plan = planOf(`stateDir: ${dir}
nics: [{name: eth2}]
services: [{name: web, vip: '${VIP}', realServers: [${list}], actuator: {ipvs: {make: {scheduler: wrr}}}}]
`);
  const [service] = plan.services;
  const lvs = { ...service!.lvs!, sorry: { name: SORRY, server: { method: 'NAT' as const }, inhibit: false, ...sorry } };
  const { sorry: _, ...without } = lvs;
  const notify = { quorum, hysteresis, counts: 'alive' as const, realServers: [] };
  return { ...plan, services: [{ ...service!, notify, lvs: 'sorry' in options && options.sorry === undefined ? without : lvs }] };
}

const downOf = (...positions: number[]): Verdict[] =>
  positions.map((i) => verdictOf({ subject: 'rs', rs: addressOf(i), verdict: 'RS_DOWN', cause: 'refused' }));

/** Passes over one plan, each of which remembers what was wanted at the one before. */
class Passes {
  readonly #planned;
  readonly #plan: Plan;
  #last = new Map<string, Effect>();

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#planned = planEffects(plan);
  }

  pass(down: readonly number[], frozen: '' | AgentVerdict = '', change?: Parameters<typeof wantedOf>[1]): readonly Effect[] {
    const wanted: Wanted = { ...wantedOf(this.#plan, change), frozen };
    this.#last = this.#planned.wanted(wanted, downOf(...down), { before: (key) => this.#last.get(key) });
    return [...this.#last.values()];
  }
}

const entriesIn = (effects: readonly Effect[]) => effects.find(({ spec }) => spec.type === 'ipvsTable')!;
const weightsIn = (effects: readonly Effect[]) =>
  Object.fromEntries(effects.filter(({ kind }) => kind === 'realServer').map((each) => [each.realServer, each.weight]));

describe('a sorry server', () => {
  it('takes the place of all real servers when the quorum is lost, and gives it back', () => {
    const passes = new Passes(managed());
    assert.deepEqual([entriesIn(passes.pass([])).sorry, weightsIn(passes.pass([]))], [undefined, {}]);
    // 7 of 6.
    assert.equal(entriesIn(passes.pass([0])).sorry, undefined);
    const lost = passes.pass([1]);
    assert.deepEqual(
      [entriesIn(lost).sorry, entriesIn(lost).reason, entriesIn(lost).entries!.sorry],
      [true, 'the quorum is lost', { name: SORRY, server: { method: 'NAT' }, inhibit: false, weight: 1 }],
    );
    assert.deepEqual(weightsIn(lost), { [addressOf(0)]: 0, [addressOf(1)]: 0 });
    const reasons = lost.filter(({ kind }) => kind === 'realServer').map(({ verdict, reason }) => [verdict, reason]);
    assert.deepEqual(reasons, [
      ['OK', 'the quorum is lost: the sorry server is in its place'],
      ['RS_DOWN', 'because'],
    ]);
    const back = passes.pass([]);
    assert.deepEqual([entriesIn(back).sorry, entriesIn(back).entries!.sorry, weightsIn(back)], [undefined, undefined, {}]);
  });

  it('is not kept out by the least share, which holds real servers in that are judged down', () => {
    const lost = new Passes(managed({ quorum: 1 })).pass([0, 1], '', (w) => w.weight[0]!.set([1, 0]));
    assert.equal(entriesIn(lost).sorry, true);
    assert.deepEqual(weightsIn(lost), { [addressOf(0)]: 0, [addressOf(1)]: 0 });
  });

  it('that is one of the real servers has the entry of that one, with weight 1', () => {
    const lost = new Passes(managed({ sorry: { name: addressOf(1) } })).pass([1]);
    assert.deepEqual(weightsIn(lost), { [addressOf(0)]: 0, [addressOf(1)]: 1 });
    assert.equal(entriesIn(lost).entries!.sorry, undefined);
  });

  it('follows dynamic weights, whatever is judged', () => {
    const passes = new Passes(managed());
    const lost = passes.pass([], '', ({ dynamic }) => {
      dynamic.by[1] = 1;
      dynamic.value[1] = 0;
    });
    assert.equal(entriesIn(lost).sorry, true);
  });

  it('a service without one stays as it is, whatever its quorum', () => {
    const lost = new Passes(managed({ sorry: undefined })).pass([0, 1]);
    assert.deepEqual([entriesIn(lost).sorry, weightsIn(lost)], [undefined, {}]);
  });

  it('is in or out after a restart as it was before, within the hysteresis too', () => {
    const plan = managed({ weights: [1, 1, 1, 1], quorum: 2, hysteresis: 1 });
    const begin = (saved?: unknown) => {
      const reconciler = new Reconciler({ actuators: [recording('ipvsTable'), recording('ipvs')], clock: () => 0 });
      reconciler.setPlan(plan);
      if (saved !== undefined) assert.equal(reconciler.restore(saved), 0);
      return reconciler;
    };
    for (const [first, isIn] of [
      [[0, 1, 2, 3], true],
      [[], false],
    ] as const) {
      const before = begin();
      before.pass(wantedOf(plan), downOf(...first));
      seen.length = 0;
      // Two of two: lost below one, found from three on.
      begin(JSON.parse(JSON.stringify(before.toJSON()))).pass(wantedOf(plan), downOf(0, 1));
      assert.equal(seen.find(({ spec }) => spec.type === 'ipvsTable')?.sorry === true, isIn);
    }
  });

  it('is a series of its service while it is in place: 0 until the data plane has it', async () => {
    const shown = (reconciler: Reconciler) => {
      const { rows, values } = reconciler.families().find(({ name }) => name === 'fourlane_service_sorry_server')!;
      return [rows, Array.from(values, Number)];
    };
    for (const [options, expected] of [
      [{}, [0, 1, 0]],
      [{ sorry: undefined }, [[], [], []]],
    ] as const) {
      const plan = managed(options);
      const reconciler = new Reconciler({ actuators: [recording('ipvsTable'), recording('ipvs')], clock: () => 0 });
      reconciler.setPlan(plan);
      for (const [i, down] of [[], [0, 1], []].entries()) {
        reconciler.pass(wantedOf(plan), downOf(...down));
        await reconciler.idle();
        const values = [expected[i]].flat();
        assert.deepEqual(shown(reconciler), [values.map(() => ['web']), values]);
      }
    }
  });
});

const seen: Effect[] = [];
const recording = (name: string) =>
  actuator({
    name,
    summary: '',
    schema: z.strictObject({}),
    scopes: ['import'],
    idempotent: true,
    batch: false,
    concurrency: 9,
    identity: () => '',
    perform(_, effects) {
      seen.push(...effects);
      return Promise.resolve('done');
    },
  });

/** keepalived 2.2.7: what validate_check_config makes of quorum and hysteresis, and update_quorum_state. */
class Reference {
  readonly #quorum: number;
  readonly #hysteresis: number;
  up = false;

  constructor({ weights, quorum, hysteresis }: Required<Pick<Options, 'weights' | 'quorum' | 'hysteresis'>>) {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    this.#quorum = Math.min(quorum, total);
    this.#hysteresis = hysteresis >= this.#quorum ? this.#quorum - 1 : hysteresis;
  }

  update(sum: number): void {
    const threshold = this.#quorum + (this.up ? -1 : 1) * this.#hysteresis;
    if (!this.up && sum >= threshold) this.up = true;
    else if (this.up && (sum === 0 || sum < threshold)) this.up = false;
  }

  /** It can come back: with too much hysteresis keepalived waits for more than there is. */
  canReturn(total: number): boolean {
    return this.#quorum + this.#hysteresis <= total;
  }
}

describe('the quorum', () => {
  const history = fc.record({
    weights: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 6 }),
    quorum: fc.integer({ min: 1, max: 14 }),
    hysteresis: fc.nat(6),
    passes: fc.array(
      fc.record({ down: fc.nat(63), frozen: fc.oneof({ weight: 3, arbitrary: fc.constant('' as const) }, blind()) }),
      {
        maxLength: 12,
      },
    ),
  });
  function blind() {
    return fc.constantFrom('ALL_RS_DOWN' as const, 'AGENT_ISOLATED' as const, 'AGENT_STALLED' as const, 'AGENT_ILL' as const);
  }

  it('puts the sorry server in exactly when keepalived does, and never changes in a freeze: 10 000 histories', () => {
    let [ins, outs, kept] = [0, 0, 0];
    fc.assert(
      fc.property(history, ({ weights, quorum, hysteresis, passes: events }) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const reference = new Reference({ weights, quorum, hysteresis });
        fc.pre(total > 0 && reference.canReturn(total));
        const passes = new Passes(managed({ weights, quorum, hysteresis }));
        let isIn = false;
        // Both begin with all of them up.
        reference.update(total);
        passes.pass([]);
        for (const { down, frozen } of events) {
          const positions = weights.flatMap((_, i) => ((down >> i) & 1 ? [i] : []));
          const effects = passes.pass(positions, frozen);
          const found = entriesIn(effects).sorry === true;
          if (frozen === '') {
            reference.update(weights.reduce((sum, weight, i) => sum + (positions.includes(i) ? 0 : weight), 0));
            assert.equal(found, !reference.up);
          } else {
            assert.equal(found, isIn);
            kept++;
          }
          ins += Number(found && !isIn);
          outs += Number(!found && isIn);
          isIn = found;
          assert.equal(entriesIn(effects).entries!.sorry !== undefined, found);
          const served = Object.values(weightsIn(effects)).filter((weight) => weight !== 0);
          if (found) assert.deepEqual(served, []);
        }
      }),
      { numRuns: 10_000 },
    );
    assert.ok(Math.min(ins, outs, kept) > 500, `${ins} times in, ${outs} times out, ${kept} passes in a freeze`);
  });

  it('with more hysteresis than can be reached comes back with all of the weight, where keepalived waits for ever', () => {
    const passes = new Passes(managed({ weights: [1, 1], quorum: 2, hysteresis: 1 }));
    const found = [[], [0, 1], [0], []].map((down) => entriesIn(passes.pass(down)).sorry === true);
    assert.deepEqual(found, [false, true, true, false]);
  });

  it('without any weight is never there: the sorry server does not come and go', () => {
    const passes = new Passes(managed({ weights: [0, 0], quorum: 1 }));
    assert.deepEqual(
      [1, 2, 3].map(() => entriesIn(passes.pass([])).sorry),
      [true, true, true],
    );
  });
});

describe('the entry of a sorry server', () => {
  const effectFor = (options: Options, down: readonly number[]) => entriesIn(new Passes(managed(options)).pass(down));
  const real = [`${VIP} -s wrr`, `${VIP} -r ${addressOf(0)} -m -w 5`, `${VIP} -r ${addressOf(1)} -m -w 7`];
  const own: SorryServer = { name: addressOf(1), server: { method: 'NAT' }, inhibit: false };
  const sorry = (weight: number) => `${VIP} -r ${SORRY} -m -w ${weight}`;

  it('is made when it is due and removed after it, and the log says so', async () => {
    const kernel = new Kernel(join(dir, 'made.json'));
    await kernel.call(effectFor({}, []));
    assert.deepEqual(kernel.printed(), real);
    const message = `the quorum is lost: sorry server ${SORRY} is in the place of its real servers`;
    assert.deepEqual(await kernel.call(effectFor({}, [0, 1])), { result: 'done', differs: false, message });
    assert.deepEqual(kernel.printed(), [...real, sorry(1)]);
    assert.deepEqual(await kernel.call(effectFor({}, [0, 1])), { result: 'unchanged', differs: false, message });
    const back = { result: 'done', differs: false, message: `the quorum is back: sorry server ${SORRY} is out` };
    assert.deepEqual(await kernel.call(effectFor({}, [])), back);
    assert.deepEqual(await kernel.call(effectFor({}, [])), { result: 'unchanged', differs: false });
    assert.deepEqual(kernel.printed(), real);
  });

  it('is alone with a scheduler that sends clients to weight 0 too: their real servers leave, and come back', async () => {
    for (const [scheduler, flags, isAlone] of [
      ['sh', ['flag-2'], true],
      ['dh', [], true],
      ['sh', ['flag-1'], false],
      ['mh', [], false],
    ] as const) {
      const plan = managed();
      const [web] = plan.services;
      const hashed: Plan = { ...plan, services: [{ ...web!, lvs: { ...web!.lvs!, scheduler, flags } }] };
      const kernel = new Kernel(join(dir, `${scheduler}-${flags.join('')}.json`));
      const passes = new Passes(hashed);
      const printed = async (down: readonly number[]) => {
        await kernel.call(entriesIn(passes.pass(down)));
        return kernel.printed().slice(1);
      };
      assert.deepEqual(await printed([]), real.slice(1));
      assert.deepEqual(await printed([0, 1]), isAlone ? [sorry(1)] : [...real.slice(1), sorry(1)]);
      assert.deepEqual((await printed([])).toSorted(), real.slice(1));
      const itself: Plan = {
        ...hashed,
        services: [{ ...hashed.services[0]!, lvs: { ...hashed.services[0]!.lvs!, sorry: own } }],
      };
      const { servers } = entriesIn(new Passes(itself).pass([0, 1])).entries!;
      assert.equal(servers.length, isAlone ? 1 : 2);
    }
  });

  it('with sorry_server_inhibit is always there, with weight 0 until it is due', async () => {
    const kernel = new Kernel(join(dir, 'inhibit.json'));
    const inhibit = { sorry: { inhibit: true } };
    for (const [down, weight] of [[[], 0] as const, [[0, 1], 1] as const, [[], 0] as const]) {
      await kernel.call(effectFor(inhibit, down));
      assert.deepEqual(kernel.printed(), [...real, sorry(weight)]);
    }
  });

  it('is removed with its line in the file; that of others stays', async () => {
    const kernel = new Kernel(join(dir, 'gone.json'));
    await kernel.call(effectFor({}, [0, 1]));
    await kernel.call(effectFor({ sorry: undefined }, [0, 1]));
    assert.deepEqual(kernel.printed().length, 3);
    const others = new Kernel(join(dir, 'others.json'));
    others.put(VIP, '-s wrr', { [SORRY]: ['-g', 3] });
    const { message } = await others.call(effectFor({}, [0, 1]));
    assert.match(message ?? '', new RegExp(`real server ${SORRY} is -g instead of -m`));
    await others.call(effectFor({}, []));
    assert.ok(others.printed().includes(`${VIP} -r ${SORRY} -g -w 3`));
  });

  it('that somebody removes while it is in comes back, and that is drift', async () => {
    const kernel = new Kernel(join(dir, 'drift.json'));
    await kernel.call(effectFor({}, [0, 1]));
    kernel.remove(VIP, SORRY);
    assert.equal((await kernel.call(effectFor({}, [0, 1]))).differs, true);
    assert.ok(kernel.printed().includes(sorry(1)));
  });
});
