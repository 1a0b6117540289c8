/**
 * Transitions from two sources, each counted once: recordings, single cases, and a model of keepalived that is watched at random.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Seen } from '../../src/collect/keepalived/between.ts';
import { Ledger } from '../../src/collect/keepalived/ledger.ts';
import { type Entered, parseNotice, type State } from '../../src/keepalived/state/notify.ts';

const fixture = (name: string) =>
  readFileSync(new URL(`../fixtures/keepalived/${name}`, import.meta.url), 'utf8')
    .trim()
    .split('\n');

/** Counts of an instance that are not zero. */
function counts(ledger: Ledger, name: string): Record<string, number> {
  const all: Record<string, number> = ledger.entries().get(name)?.transitions ?? {};
  return Object.fromEntries(Object.entries(all).filter(([, n]) => n > 0));
}

const seen = (state: State, masters: number, lastTransition: number): Seen[] => [{ name: 'v', state, masters, lastTransition }];

/** A ledger that knows v as `state` from a first dump. */
function knowing(state: State, masters = 0): Ledger {
  const ledger = new Ledger();
  ledger.reconcile(seen(state, masters, 1), true);
  return ledger;
}

describe('keepalived: the ledger', () => {
  it('counts recorded FIFO lines as the notify scripts of the same run', () => {
    const ledger = new Ledger();
    for (const line of fixture('kb.notify_fifo.log')) {
      const notice = parseNotice(line.slice(line.indexOf(' ') + 1));
      if (notice.kind === 'instance') assert.equal(ledger.announce(notice.name, notice.state), true, line);
    }
    const recorded: Record<string, Record<string, number>> = {};
    for (const line of fixture('kb.notify-scripts.log')) {
      const [, name = '', word = ''] = / INSTANCE (\S+) ([A-Z]+) /.exec(line) ?? [];
      if (name === '') continue;
      const own = (recorded[name] ??= {});
      own[word.toLowerCase()] = (own[word.toLowerCase()] ?? 0) + 1;
    }
    assert.deepEqual(Object.keys(recorded).sort(), ['VI_1', 'VI_6', 'VI_W']);
    for (const [name, own] of Object.entries(recorded)) assert.deepEqual(counts(ledger, name), own);
  });

  it('does not count what was before the first look', () => {
    assert.deepEqual(counts(knowing('master', 7), 'v'), {});
  });

  it('a dump that says what lines have said adds nothing', () => {
    const ledger = knowing('backup');
    ledger.announce('v', 'master');
    ledger.mark();
    ledger.reconcile(seen('master', 1, 2), false);
    assert.deepEqual([counts(ledger, 'v'), ledger.missed], [{ master: 1 }, 0]);
    assert.equal(ledger.entries().get('v')?.lastTransition, 2);
  });

  it('a line that came while the dump was under way counts once, whichever was first', () => {
    for (const state of ['backup', 'master'] as const) {
      const ledger = knowing('backup');
      ledger.mark();
      ledger.announce('v', 'master');
      ledger.reconcile(seen(state, state === 'master' ? 1 : 0, 2), false);
      ledger.mark();
      ledger.reconcile(seen('master', 1, 2), false);
      assert.deepEqual([counts(ledger, 'v'), ledger.missed], [{ master: 1 }, 0]);
    }
  });

  it('counts from dumps what they prove: times as master, the new state, a return', () => {
    const cases: [State, Seen[], Record<string, number>][] = [
      ['backup', seen('master', 1, 2), { master: 1 }],
      ['master', seen('master', 1, 2), { backup: 1, master: 1 }],
      ['backup', seen('backup', 2, 2), { master: 2, backup: 2 }],
      ['master', seen('fault', 0, 2), { fault: 1 }],
      ['fault', seen('fault', 1, 2), { master: 1, fault: 1 }],
      ['backup', seen('backup', 0, 2), { fault: 1, backup: 1 }],
      ['fault', seen('fault', 0, 2), { backup: 1, fault: 1 }],
      ['backup', seen('backup', 0, 1), {}],
      ['master', [{ ...seen('master', 1, 2)[0]!, owner: true }], { master: 1 }],
    ];
    for (const [from, to, expected] of cases) {
      const ledger = knowing(from);
      ledger.mark();
      ledger.reconcile(to, false);
      assert.deepEqual(counts(ledger, 'v'), expected, `${from} → ${to[0]!.state}`);
      assert.equal(
        ledger.missed,
        Object.values(expected).reduce((a, b) => a + b, 0),
      );
    }
  });

  it('a reload moves the time of the last transition, which proves nothing then', () => {
    const ledger = knowing('backup');
    ledger.reconcile(seen('backup', 0, 2), true);
    assert.deepEqual(counts(ledger, 'v'), {});
    assert.equal(ledger.entries().get('v')?.lastTransition, 1, 'shown is when it last changed');
  });

  it('statistics that were cleared invent nothing', () => {
    const ledger = knowing('master', 5);
    ledger.reconcile(seen('master', 0, 1), false);
    ledger.reconcile(seen('master', 0, 1), false);
    assert.deepEqual(counts(ledger, 'v'), {});
  });

  it('the states written again on a reload are no transitions', () => {
    const ledger = knowing('master', 1);
    assert.equal(ledger.announce('v', 'master'), false);
    ledger.mark();
    ledger.reconcile(seen('master', 2, 2), false);
    assert.deepEqual(counts(ledger, 'v'), {});
  });

  it('after a restart the same state is entered anew', () => {
    const ledger = knowing('backup');
    ledger.restart();
    assert.equal(ledger.announce('v', 'backup'), true);
    assert.deepEqual(counts(ledger, 'v'), { backup: 1 });
  });

  it('an instance that waits in FAULT for its scripts from the start has not announced it', () => {
    const ledger = new Ledger();
    ledger.restart();
    ledger.reconcile(seen('fault', 0, 2), false);
    assert.deepEqual(counts(ledger, 'v'), {});
    assert.equal(ledger.entries().get('v')?.state, 'fault');
  });

  it('keeps the counts of an instance that is gone, and goes on with them when it is back', () => {
    const ledger = knowing('master', 1);
    ledger.announce('v', 'deleted');
    ledger.mark();
    ledger.reconcile([], true);
    assert.equal(ledger.entries().get('v')?.state, undefined);
    ledger.end();
    assert.equal(ledger.entries().get('v')?.state, undefined);
    ledger.announce('v', 'backup');
    assert.deepEqual(counts(ledger, 'v'), { deleted: 1, backup: 1 });
  });
});

const nothing = () => undefined;
const NEXT: Readonly<Record<string, readonly Entered[]>> = {
  init: ['backup', 'fault'],
  backup: ['master', 'fault'],
  master: ['backup', 'fault'],
  fault: ['backup'],
};

/** One VRRP instance of a keepalived, and an agent that watches it. */
class World {
  readonly ledger = new Ledger();
  readonly truth: Record<string, number> = {};
  #state: State = 'init';
  #masters = 0;
  #time = 1;
  #pipe: Entered[] = [];
  #restarted = false;
  #repeats = false;
  #young = false;
  #reloaded = true;

  /** Another state, announced unless `lost`. */
  move(choice: number, lost: boolean): void {
    const next = NEXT[this.#state]!;
    const to = next[choice % next.length]!;
    this.#state = to as State;
    this.truth[to] = (this.truth[to] ?? 0) + 1;
    if (to === 'master') this.#masters++;
    this.#time++;
    if (!lost) this.#pipe.push(to);
  }

  /**
   * All states are written again (`fifo_write_vrrp_states_on_reload`). A dump is asked for as soon as a process is seen, so
   * before that.
   */
  reload(): void {
    if (this.#young) this.dump(nothing, nothing);
    this.#time++;
    this.#reloaded = true;
    if (this.#state === 'init') return;
    this.#pipe.push(this.#state as Entered);
    this.#repeats = true;
  }

  /**
   * What it wrote is read by then, except transitions: a repeated state of a process that is gone would look like a new one's.
   */
  restart(): void {
    if (this.#repeats) this.drain();
    [this.#state, this.#masters, this.#restarted, this.#young] = ['init', 0, true, true];
    this.#time++;
  }

  /** The agent looks at the processes, then takes what is in the FIFO. */
  drain(): void {
    const mixed = this.#restarted;
    if (mixed) this.ledger.restart();
    this.#restarted = this.#repeats = false;
    for (const state of this.#pipe.splice(0)) this.ledger.announce('v', state, mixed);
  }

  /** The agent asks for a dump; `before` and `after` it is written things may happen. */
  dump(before: () => void, after: () => void): void {
    this.drain();
    this.ledger.mark();
    before();
    const shown = seen(this.#state, this.#masters, this.#time);
    const reloaded = this.#reloaded;
    after();
    const another = this.#restarted;
    this.drain();
    if (another) return;
    this.ledger.reconcile(shown, reloaded);
    this.#reloaded = this.#young = false;
  }
}

const step = fc.record({
  do: fc.constantFrom('move', 'move', 'drain', 'dump', 'reload', 'restart'),
  choice: fc.nat(1),
  lost: fc.boolean(),
  early: fc.nat(2),
  late: fc.nat(2),
});

/** Plays a history. @returns the world after a last look with nothing going on */
function play(steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[], lossy: boolean): World {
  const world = new World();
  world.ledger.restart(); // watched from before its start
  for (const s of steps) {
    const moves = (n: number) => () => {
      for (let i = 0; i < n; i++) world.move(s.choice + i, lossy && s.lost);
    };
    if (s.do === 'move') moves(1)();
    else if (s.do === 'dump') world.dump(moves(s.early), moves(s.late));
    else if (s.do === 'drain') world.drain();
    else if (s.do === 'reload') world.reload();
    else if (!lossy) world.restart();
  }
  world.dump(nothing, nothing);
  world.dump(nothing, nothing);
  return world;
}

describe('keepalived: the ledger against a model', () => {
  it('with every line: exactly what happened, whatever dumps, reloads and restarts come between', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = play(steps, false);
        assert.deepEqual(counts(world.ledger, 'v'), world.truth);
        assert.equal(world.ledger.missed, 0);
      }),
      { numRuns: 1000 },
    );
  });

  it('with lines lost: nothing is invented', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = play(steps, true);
        for (const [to, n] of Object.entries(counts(world.ledger, 'v'))) assert.ok(n <= (world.truth[to] ?? 0), `${to} ${n}`);
      }),
      { numRuns: 1000 },
    );
  });

  it('with all lines lost: every time as master is counted', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const dumpsOnly = steps.filter((s) => s.do !== 'reload' && s.do !== 'restart').map((s) => ({ ...s, lost: true }));
        const world = play(dumpsOnly, true);
        assert.equal(counts(world.ledger, 'v')['master'] ?? 0, world.truth['master'] ?? 0);
      }),
      { numRuns: 1000 },
    );
  });
});
