/** A copy of a state reads as the state itself does: verdicts with reason and evidence, cells, loss, what is wanted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JudgeState } from '../../src/judge/judge.ts';
import { type Mirror, type MirrorScalars, mirrorShape, openMirror, writeMirror } from '../../src/judge/mirror.ts';
import { cells, loss, verdicts, why } from '../../src/judge/read.ts';
import type { Subject } from '../../src/model/verdict.ts';
import { linkFact } from '../../src/model/facts.ts';
import { type Fault, play, topology, troubled } from './world.ts';

/** All that can be read of a state, as plain values. */
function read(s: JudgeState): unknown {
  const { nics, realServers } = s.topology;
  const subjects: Subject[] = [
    { subject: 'agent' },
    ...nics.map(({ name: nic }): Subject => ({ subject: 'nic', nic })),
    ...realServers.map(({ id: rs }): Subject => ({ subject: 'rs', rs })),
    ...nics.flatMap(({ name: nic }) => realServers.map(({ id: rs }): Subject => ({ subject: 'path', nic, rs }))),
    ...[...new Set(realServers.flatMap((r) => r.rack ?? []))].map((rack): Subject => ({ subject: 'rack', rack })),
    { subject: 'rack', rack: 'none of that name' },
  ];
  const numbers = Object.entries(cells(s)).map(([name, column]) => [name, [...column]]);
  const { nicEnabled, weight, path, panic, frozen } = s.wanted;
  return structuredClone({
    verdicts: verdicts(s).map((v) => ({ ...v })),
    why: subjects.map((subject) => ({ ...why(s, subject) })),
    numbers,
    loss: nics.map((_, i) => loss(s, i)),
    wanted: {
      nicEnabled: [...nicEnabled],
      weight: weight.map((w) => [...w]),
      path: path.map((p) => [...p]),
      panic: [...panic],
      frozen,
    },
  });
}

const AT = 10_000;
/** A lossy NIC, a failed NIC, a NIC without carrier, dead paths, a dead rack, a refusing real server. */
const trouble: Fault = {
  cell: troubled(AT),
  links: [linkFact(3, 0, AT + 5000)],
};
const isolated: Fault = { cell: () => (t) => (t < AT ? 'ok' : 'timeout'), anchor: () => (t) => (t < AT ? 'ok' : 'timeout') };
const stalled: Fault = { cell: () => (t) => (t < AT ? 'ok' : 'none') };

const worlds: readonly (readonly [string, Fault, string])[] = [
  ['many faults', trouble, 'RS_DOWN'],
  ['every cell dead', isolated, 'AGENT_ISOLATED'],
  ['no results', stalled, 'AGENT_STALLED'],
];
for (const [name, fault, expected] of worlds) {
  test(`${name}: both halves show what they were last filled with`, () => {
    const world = topology({ nics: 4, servers: 20, rack: (j) => (j > 16 ? 'k' : j > 8 ? 'b' : undefined) });
    const halves: SharedArrayBuffer[] = [];
    const mirrors: Mirror[] = [];
    const taken: { read: unknown; scalars: MirrorScalars }[] = [];
    let pass = 0;
    const seen = new Set<string>();
    play(world, fault, AT + 30_000, {
      seed: 4,
      after: (state, _, now) => {
        // What a data plane shows of two NICs.
        const shown = { t: now, tx: 900, over: 0, onRequest: 0 } as const;
        for (const nic of [1, 2]) state.nics.dataplane[nic]!.push({ ...shown, rx: 1000 + nic * pass, ratio: 0.9 / nic });
        if (halves.length === 0) {
          const shape = structuredClone(mirrorShape(state));
          halves.push(...[0, 1].map(() => new SharedArrayBuffer(shape.bytes)));
          mirrors.push(...halves.map((half) => openMirror(world, shape, half)));
        }
        if (++pass % 25 !== 0) return undefined;
        const half = taken.length % 2;
        taken.push({ read: read(state), scalars: structuredClone(writeMirror(state, halves[half]!)) });
        mirrors[half]!.show(taken.at(-1)!.scalars);
        // This half shows this pass, the other one still the pass before.
        for (const back of [1, 2]) {
          const before = taken.at(-back);
          if (before !== undefined) assert.deepEqual(read(mirrors[(taken.length - back) % 2]!.state), before.read);
        }
        for (const v of verdicts(state)) seen.add(v.verdict);
        return undefined;
      },
    });
    assert.ok(taken.length > 10);
    assert.ok(seen.has(expected), [...seen].join());
  });
}
