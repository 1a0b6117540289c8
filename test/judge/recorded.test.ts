/** A recorded log gives back the run it was recorded from: the same transitions at the same times, wherever it begins. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatObservation } from '../../src/judge/evidence/codecs.ts';
import { formatHeader, type Origin } from '../../src/judge/evidence/header.ts';
import { formatResult } from '../../src/judge/evidence/result.ts';
import { exactState, fromExactState } from '../../src/judge/exact.ts';
import { limits } from '../../src/judge/limits/index.ts';
import type { Change } from '../../src/judge/limits/limit.ts';
import { initial, judge } from '../../src/judge/judge.ts';
import { Replay } from '../../src/judge/replay.ts';
import { retopologise } from '../../src/judge/retopologise.ts';
import { FourlaneError } from '../../src/model/errors.ts';
import { newBatch } from '../../src/model/facts.ts';
import type { Transition } from '../../src/model/verdict.ts';
import { fill, randomSequence } from './sequences.ts';

const SEEDS = 400;

/** Runs a sequence with a reload in the middle, and records it from pass `from` on. */
function recorded(seed: number, from: number): { live: Transition[]; log: string[] } {
  const { topology, passes } = randomSequence(seed);
  const batch = newBatch(512);
  const live: Transition[] = [];
  const log: string[] = [];
  let state = initial(topology, 0);
  const header = (origin: Origin) => log.push(formatHeader(state.topology, origin));
  passes.forEach(({ now, results, observations }, index) => {
    if (index === 35) {
      const t = state.clock.now + 3;
      const slower = { ...structuredClone(topology), timeoutMs: seed % 2 === 0 ? topology.timeoutMs : 400 };
      state = retopologise(state, slower, t);
      if (index > from) header({ from: 'reload', t });
    }
    if (index === from) header({ from: 'state', t: state.clock.now, state: exactState(state) });
    const facts = { results: fill(batch, results), observations };
    if (index >= from) {
      for (const fact of observations) log.push(formatObservation(topology, fact));
      for (let at = 0; at < batch.count; at++) log.push(formatResult(topology, batch, at));
      log.push(`{"pass":${now}}`);
    }
    const { decisions } = judge(state, facts, now);
    if (index >= from) live.push(...structuredClone(decisions.transitions));
  });
  return { live, log };
}

test(`replay of ${SEEDS} recorded runs is the run, from the start or the middle, over a reload`, () => {
  let transitions = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { live, log } = recorded(seed, seed % 3 === 0 ? 0 : seed % 60);
    const replay = new Replay();
    const replayed = [...log.flatMap((line) => replay.line(line)), ...replay.end()];
    assert.deepEqual(replayed, live, `seed ${seed}`);
    transitions += live.length;
  }
  assert.ok(transitions > 2 * SEEDS, `${transitions} transitions`);
});

/** A run until pass `until`, and its state. */
function runUntil(seed: number, until: number) {
  const { topology, passes } = randomSequence(seed);
  const batch = newBatch(512);
  const state = initial(topology, 0);
  for (const { now, results, observations } of passes.slice(0, until))
    judge(state, { results: fill(batch, results), observations }, now);
  return state;
}

test('an exact state survives JSON exactly', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const state = runUntil(seed, 40);
    const json = JSON.parse(JSON.stringify(exactState(state))) as unknown;
    assert.deepEqual(exactState(fromExactState(state.topology, json)), exactState(state), `seed ${seed}`);
  }
});

test('asking a limit changes nothing', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const state = runUntil(seed, 45);
    const { governor, topology, agent, clock } = state;
    const before = JSON.stringify(exactState(state));
    const pass = { state, governor, now: clock.now + 500, settling: clock.now < agent.settleUntil, charged: new Set<number>() };
    const capacity = { subject: 1, cost: 1, agentCost: 1, removes: true, free: false };
    const changes: readonly Change[] = [
      ...topology.nics.map((_, nic) => ({ kind: 'nic', nic, certain: seed % 2 === 0 }) as const),
      ...topology.services.flatMap(({ nics }, service) => [
        { kind: 'server', service, ...capacity } as const,
        ...nics.map((_, slice) => ({ kind: 'path', service, slice, ...capacity }) as const),
      ]),
    ];
    for (const change of changes) {
      for (const limit of limits) if (limit.of.includes(change.kind)) limit.holdsBack(change, pass);
    }
    assert.equal(JSON.stringify(exactState(state)), before, `seed ${seed}`);
  }
});

test('a damaged state in a header is refused with the line and the place, or is a usable state', () => {
  const { log } = recorded(7, 20);
  const header = log[0]!;
  const refuse = (text: string, message: RegExp) =>
    assert.throws(
      () => new Replay().line(text),
      (e: unknown) => e instanceof FourlaneError && e.code === 'EVIDENCE_INVALID' && message.test(e.message),
    );
  const change = (edit: (state: Record<string, any>) => void) => {
    const json = JSON.parse(header) as { state: Record<string, any> };
    edit(json.state);
    return JSON.stringify(json);
  };
  refuse(
    change((state) => delete state['cells']),
    /line 1: state of the header: expected an object, found nothing/,
  );
  refuse(
    change((state) => (state['cells']['link'] = [9, 1])),
    /link: expected 0 … 2, found 9/,
  );
  refuse(
    change((state) => (state['nics']['verdict'] = [99, 1])),
    /verdict: expected 0 … \d+, found 99/,
  );
  refuse(
    change((state) => (state['cells']['link'] = [])),
    /link: expected \d+ values, found 0/,
  );
  refuse(
    change((state) => (state['agent']['verdict'] = 'TIRED')),
    /verdict: expected one of , ALL_RS_DOWN/,
  );
  refuse(
    header.replace('"from":"state"', '"from":"reload"').replace(/"state":\{.*?\},"interval_ms"/, '"interval_ms"'),
    /begins with a reload/,
  );
  let refused = 0;
  for (let k = 0; k < 300; k++) {
    const at = (k * 7919) % header.length;
    const broken = header.slice(0, at) + ['9', '-', '"', 'null', '[', ''][k % 6]! + header.slice(at + 1 + (k % 3));
    try {
      const replay = new Replay();
      for (const line of [broken, ...log.slice(1)]) replay.line(line);
      replay.end();
    } catch (error) {
      assert.ok(error instanceof FourlaneError && error.code === 'EVIDENCE_INVALID', String((error as Error).stack));
      refused++;
    }
  }
  assert.ok(refused > 100, `${refused}`);
});
