/** A recorded live run, judged again: the same verdict changes at the same times. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Replay } from '../../src/judge/replay.ts';
import type { Transition } from '../../src/lab/agent.ts';

/** The API's times are whole ms of wall time, and the wall clock may be slewed a little: ms. */
const TOLERANCE = 1.5;

const said = (t: { subject: string; verdict: string; cause: string; nic?: string; rs?: string; rack?: string }) =>
  [t.subject, t.nic ?? '', t.rs ?? '', t.rack ?? '', t.verdict, t.cause].join(' ');

/**
 * Replays an agent's evidence log and holds its verdict changes against those that the running agent gave, all that it gave so
 * far.
 */
export function assertReplays(log: string, live: readonly Transition[]): void {
  const replay = new Replay((notice) => assert.fail(notice));
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const replayed = [...lines.flatMap((line) => replay.line(line)), ...replay.end()];
  assert.deepEqual(replayed.slice(0, live.length).map(said), live.map(said), 'the same changes in the same order');
  const [first] = replayed;
  if (first === undefined) return;
  live.forEach((t, index) => {
    const off = t.t - live[0]!.t - (replayed[index]!.t - first.t);
    assert.ok(Math.abs(off) <= TOLERANCE, `${said(t)} was ${off.toFixed(2)} ms off in the replay`);
  });
}
