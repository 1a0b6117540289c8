/** Writes the evidence logs of test/fixtures/evidence and what replay must say about them: `node test/judge/fixtures.ts`, then read the diff. */
import { writeFileSync } from 'node:fs';
import { formatTransition, Replay } from '../../src/judge/replay.ts';
import { build, END, vectors } from './vectors.ts';
import { play } from './world.ts';

for (const vector of vectors.filter((v) => v.committed)) {
  const { topology, fault } = build(vector);
  const { log } = play(topology, fault, END, { seed: 1 });
  const replay = new Replay();
  const said = [...log.flatMap((line) => replay.line(line)), ...replay.end()];
  const base = new URL(`../fixtures/evidence/${vector.name}`, import.meta.url).pathname;
  writeFileSync(`${base}.jsonl`, `${log.join('\n')}\n`);
  writeFileSync(`${base}.expected.jsonl`, said.map((x) => `${formatTransition(x)}\n`).join(''));
}
