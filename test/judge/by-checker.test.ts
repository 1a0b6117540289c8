/** Real servers that follow keepalived's checkers: their verdicts, what stands above them, and the properties. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatHeader, readHeader } from '../../src/judge/evidence/header.ts';
import { Line } from '../../src/judge/evidence/line.ts';
import { exactState, fromExactState } from '../../src/judge/exact.ts';
import { initial, type JudgeState, judge } from '../../src/judge/judge.ts';
import { retopologise } from '../../src/judge/retopologise.ts';
import { fromSnapshot, toSnapshot } from '../../src/judge/snapshot.ts';
import { CHECKER_KINDS, type CheckerRules, hasRun, isUp, stepChecker } from '../../src/model/checker.ts';
import { newBatch } from '../../src/model/facts.ts';
import { L7, OK, REFUSED, SERVICE_EVIDENCE, TIMEOUT } from '../../src/model/outcome.ts';
import type { Topology } from '../../src/model/topology.ts';
import type { Decisions } from '../../src/model/verdict.ts';
import { VERDICT } from '../../src/model/verdicts.ts';
import type { Check } from './check.ts';
import { Permutation, Replay } from './property-checks.ts';
import { Restart } from './property-reloads.ts';
import { runChecks, type Tally } from './properties.ts';
import { fill, type PassFacts, randomSequence, type Result, type Sequence } from './sequences.ts';
import { type Broken, Witness } from './witness.ts';
import { randomFrom, say, topology } from './world.ts';

const rulesOf = (own: Partial<CheckerRules> = {}): CheckerRules => ({
  kind: 'tcp',
  retry: 1,
  alpha: false,
  urls: 1,
  firstMs: 1000,
  ...own,
});

/** Real servers of which the first follows a checker, and the others are always good. */
const worldOf = (own: Partial<CheckerRules>, nics = 1, shape: object = {}): Topology =>
  topology({ nics, servers: 6, server: (j) => (j === 0 ? { fall: 2, rise: 1, checker: rulesOf(own) } : {}), ...shape });

/** A judge that is given results of the first real server, all else being good, and what it says of it. */
class Play {
  state: JudgeState;
  now = 0;
  decisions!: Decisions;
  readonly #topology: Topology;
  readonly #batch = newBatch(64);

  constructor(t: Topology) {
    this.#topology = t;
    this.state = initial(t, 0);
  }

  /** A second passes; then the results of the first real server through the NICs, undefined = none. */
  second(...outcomes: readonly (number | undefined)[]): string {
    this.now += 1000;
    const rows: Result[] = [];
    for (let i = 0; i < this.#topology.nics.length; i++) {
      for (let j = 1; j < this.#topology.realServers.length; j++) rows.push([i, j, OK, this.now]);
      rows.push([i, -1, OK, this.now]);
      const outcome = outcomes[i];
      if (outcome !== undefined) rows.push([i, 0, outcome, this.now]);
    }
    const facts = { results: fill(this.#batch, rows), observations: [] };
    const { state, decisions } = judge(this.state, facts, this.now);
    this.state = state;
    this.decisions = decisions;
    return decisions.transitions.map(say).join(' ');
  }

  /** Weight of the first real server in its service. */
  get weight(): number {
    return this.state.wanted.weight[0]![0]!;
  }
}

const started = (own: Partial<CheckerRules>, nics = 1) => {
  const play = new Play(worldOf(own, nics));
  for (let k = 0; k < 12; k++) play.second(...Array.from({ length: nics }, () => OK));
  return play;
};

describe('by checker', () => {
  it('down with the failure that the checker counts as the last, back with the first good one, at full weight', () => {
    const play = started({ retry: 2 });
    assert.deepEqual([play.second(REFUSED), play.second(REFUSED), play.weight], ['', '', 1]);
    assert.match(play.second(REFUSED), /^RS_DOWN\(.* refused\)$/);
    assert.equal(play.weight, 0);
    assert.match(play.second(OK), /^OK\(/);
    assert.equal(play.weight, 1);
  });

  it('any number of times: no hold-down, no flapping', () => {
    const play = started({ retry: 0 });
    for (let k = 0; k < 20; k++) {
      assert.match(play.second(L7), /^RS_DOWN\(.* l7\)$/);
      assert.match(play.second(OK), /^OK\(/);
    }
  });

  it('HTTP comes back with the second good round', () => {
    const play = started({ kind: 'http', retry: 0 });
    assert.match(play.second(TIMEOUT), /^RS_DOWN\(.* unreachable\)$/);
    assert.deepEqual([play.second(OK), play.second(L7), play.weight], ['', '', 0]);
    assert.match(play.second(OK), /^OK\(/);
  });

  it('a NIC that does not reach it is not its fault: PATH, and down only when no NIC reaches it', () => {
    const play = started({ retry: 0 }, 2);
    const words = Array.from({ length: 8 }, () => play.second(OK, TIMEOUT)).join(' ');
    assert.match(words, /PATH\(eth1>10\.0\.0\.0:80 link\)/);
    assert.doesNotMatch(words, /RS_DOWN/);
    assert.match(play.second(TIMEOUT, TIMEOUT), /RS_DOWN/);
    assert.match(play.second(OK, TIMEOUT), /^OK\(10/);
  });

  it('a NIC that could not tell brings it back with a good answer only', () => {
    const play = started({ retry: 1 }, 2);
    // The second NIC's checker is up from before, and its results are too old.
    const words = Array.from({ length: 5 }, () => play.second(TIMEOUT, undefined)).join(' ');
    assert.match(words, /RS_DOWN/);
    assert.deepEqual([play.second(TIMEOUT, TIMEOUT), play.second(TIMEOUT, TIMEOUT)], ['', '']);
    assert.match(play.second(TIMEOUT, OK), /^OK\(10/);
  });

  it('NICs that have not tried yet are waited for, but not for ever', () => {
    const t = worldOf({ retry: 0 }, 2, { rules: { stale_rounds: 2 } });
    const without = { ...t, realServers: t.realServers.slice(1), services: [] };
    const play = new Play(t);
    play.state = retopologise(initial(without, 0), t, 0);
    play.state.agent.coldUntil = 0;
    assert.equal(play.second(TIMEOUT, undefined), '');
    assert.equal(play.second(TIMEOUT, OK), '');
    const other = new Play(t);
    other.state = retopologise(initial(without, 0), t, 0);
    other.state.agent.coldUntil = 0;
    const words = Array.from({ length: 6 }, () => other.second(TIMEOUT, undefined));
    assert.deepEqual(words.slice(0, 2), ['', '']);
    assert.match(words.join(' '), /RS_DOWN/);
  });

  it('alpha: down from the beginning, said so, until it has been seen good', () => {
    const play = new Play(worldOf({ alpha: true }));
    assert.match(play.second(undefined), /^RS_DOWN\(/);
    assert.match(play.decisions.transitions[0]!.reason, /down until it has been seen good/);
    assert.deepEqual([play.weight, play.second(TIMEOUT), play.weight], [0, '', 0]);
    assert.match(play.second(OK), /^OK\(/);
    assert.equal(play.weight, 1);
  });

  it('what stands above: the last ones of a service stay, and nothing moves while all fail', () => {
    const unseen = topology({ nics: 1, servers: 6, server: () => ({ checker: rulesOf({ alpha: true }) }) });
    const first = judge(initial(unseen, 0), { results: newBatch(8), observations: [] }, 100).decisions;
    assert.equal([...first.wanted.weight[0]!].filter((weight) => weight === 0).length, 1, 'the budget of 10 s');
    assert.equal(first.blocked.length, 5);
    const all = new Play(topology({ nics: 1, servers: 3, server: () => ({ checker: rulesOf({ retry: 0 }) }) }));
    const every = (outcome: number) => {
      all.now += 1000;
      const rows = [0, 1, 2].map((j): Result => [0, j, outcome, all.now]);
      return judge(all.state, { results: fill(newBatch(8), rows), observations: [] }, all.now).decisions;
    };
    for (let k = 0; k < 5; k++) every(OK);
    const decisions = Array.from({ length: 5 }, () => every(REFUSED));
    assert.equal(decisions.at(-1)!.wanted.frozen, 'ALL_RS_DOWN');
    assert.deepEqual(
      decisions.flatMap(({ actions }) => actions),
      [],
    );
  });

  it('a header, a state and a snapshot keep what the checkers know; without one nothing is written of it', () => {
    const t = worldOf({ kind: 'http', urls: 3, alpha: true }, 2);
    const play = new Play(t);
    for (const outcome of [OK, OK, L7, OK]) play.second(outcome, OK);
    const read = readHeader(Line.parse(formatHeader(t, { from: 'reload', t: 1 }), 1)).topology;
    assert.deepEqual(read.realServers[0]!.checker, t.realServers[0]!.checker);
    const exact = JSON.parse(JSON.stringify(exactState(play.state))) as unknown;
    assert.deepEqual(fromExactState(read, exact).checkers, play.state.checkers);
    const saved = JSON.parse(JSON.stringify(toSnapshot(play.state))) as unknown;
    assert.deepEqual(fromSnapshot(t, saved, play.now).checkers, play.state.checkers);
    assert.deepEqual(retopologise(play.state, structuredClone(t), play.now).checkers, play.state.checkers);
    assert.throws(
      () => readHeader(Line.parse(formatHeader(t).replace('"http"', '"ftp"'), 1)),
      /kind is "ftp"; it must be one of/,
    );
    const plain = initial(topology({ nics: 2, servers: 3 }), 0);
    assert.doesNotMatch(JSON.stringify([formatHeader(plain.topology), exactState(plain), toSnapshot(plain)]), /checker/);
  });
});

/** A random sequence in which most real servers follow checkers. */
function withCheckers(seed: number): Sequence {
  const s = randomSequence(seed);
  const random = randomFrom(seed ^ 0x1b873593);
  const realServers = s.topology.realServers.map((server) => {
    if (random() < 0.2) return server;
    const kind = CHECKER_KINDS[Math.floor(random() * CHECKER_KINDS.length)]!;
    const urls = kind === 'http' ? 1 + Math.floor(random() * 2) : 1;
    return { ...server, checker: rulesOf({ kind, urls, retry: Math.floor(random() * 3), alpha: random() < 0.3 }) };
  });
  return { ...s, topology: { ...s.topology, realServers } };
}

/**
 * In place of P2: a real server with a checker goes down only while no NIC's latest answer is good and every trusted one's
 * checker is down, and it comes back only while one of these is up; its checkers are those of its results.
 */
class Followed implements Check {
  readonly #t: Topology;
  readonly #memory: number[];
  readonly #latest: number[];
  readonly #at: number[];
  readonly #witness: Witness;

  constructor({ topology: t }: Sequence) {
    this.#t = t;
    this.#memory = t.nics.flatMap(() => t.realServers.map(() => 0));
    this.#latest = this.#memory.map(() => 0);
    this.#at = this.#memory.map(() => 0);
    this.#witness = new Witness(t);
  }

  after(_: number, p: PassFacts, state: JudgeState, d: Decisions): Broken | undefined {
    const { realServers, nics } = this.#t;
    for (const [i, j, outcome, t] of p.results) {
      const rules = j < 0 ? undefined : realServers[j]!.checker;
      const cell = i * realServers.length + j;
      // What is older than the last result says nothing new.
      const at = Math.min(t, p.now);
      if (rules === undefined || at < this.#at[cell]!) continue;
      this.#at[cell] = at;
      if (SERVICE_EVIDENCE[outcome] === 0) continue;
      this.#memory[cell] = stepChecker(rules, this.#memory[cell]!, SERVICE_EVIDENCE[outcome]! > 0);
      this.#latest[cell] = SERVICE_EVIDENCE[outcome]!;
    }
    for (const x of d.transitions) {
      const j = realServers.findIndex(({ id }) => id === x.rs);
      const rules = x.subject === 'rs' ? realServers[j]!.checker : undefined;
      if (rules === undefined) continue;
      const cells = nics.map((_, i) => i * realServers.length + j);
      const ran = cells.filter((cell) => hasRun(this.#memory[cell]!));
      const up = ran.filter((cell) => isUp(rules, this.#memory[cell]!));
      const trusted = up.filter((cell) => state.nics.trusted[Math.floor(cell / realServers.length)] === 1);
      if (x.verdict === 'RS_DOWN' && ran.length === 0 && !rules.alpha)
        return { property: 'followed', message: `${x.rs}: nothing ran` };
      const stale = (cell: number) => state.cells.serviceNow[cell] === 0;
      if (x.verdict === 'RS_DOWN' && trusted.some((cell) => !stale(cell)))
        return { property: 'followed', message: `${x.rs} is down although a checker is up` };
      if (x.verdict === 'RS_DOWN' && ran.length > 0 && cells.some((cell) => this.#latest[cell] === 1 && !stale(cell)))
        return { property: 'followed', message: `${x.rs} is down although a NIC reaches it` };
      if (x.verdict === 'OK' && trusted.length === 0) return { property: 'followed', message: `${x.rs} is up without a checker` };
      if (x.verdict === 'FLAPPING') return { property: 'followed', message: `${x.rs} flaps` };
    }
    return this.#witness.check(p, state, d);
  }
}

it('the properties hold for random evidence, P2 as one of checkers', () => {
  const tally: Tally = new Map();
  for (let seed = 0; seed < 2000; seed++) {
    const s = withCheckers(seed);
    const checks = [new Followed(s), new Permutation(s), new Replay(s), ...(seed % 10 === 0 ? [new Restart(s)] : [])];
    const broken = runChecks(s, checks, tally);
    if (broken) assert.fail(`${broken.property} does not hold for seed ${seed}: ${broken.message}`);
  }
  for (const word of ['RS_DOWN', 'OK', 'PATH', 'NIC_FAIL', 'ALL_RS_DOWN', 'set_real_server', 'panic', 'budget_service'])
    assert.ok((tally.get(word) ?? 0) > 100, `${word}: ${tally.get(word)}`);
});

it('with one NIC the verdict is what the checker says, pass by pass, where nothing stands above it', () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = randomFrom(seed);
    const kind = CHECKER_KINDS[seed % CHECKER_KINDS.length]!;
    const rules = rulesOf({ kind, retry: seed % 3, urls: kind === 'http' ? 1 + (seed % 2) : 1, alpha: seed % 5 === 0 });
    const play = new Play(topology({ nics: 1, servers: 6, server: (j) => (j === 0 ? { checker: rules } : {}) }));
    let memory = 0;
    const share = random();
    for (let k = 0; k < 60; k++) {
      const outcome = k < 5 ? OK : random() < share ? OK : [REFUSED, L7, TIMEOUT][Math.floor(random() * 3)]!;
      memory = stepChecker(rules, memory, SERVICE_EVIDENCE[outcome]! > 0);
      play.second(outcome);
      const down = play.state.servers.verdict[0] === VERDICT.RS_DOWN;
      assert.equal(down, !isUp(rules, memory), `seed ${seed}, ${kind}, result ${k}`);
    }
  }
});
