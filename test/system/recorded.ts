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

/** A pass is due each 100 ms, and takes results that are at most that old. */
const USUAL_MS = 250;

/**
 * What an evidence log shows since `from` (ms), for the message of a test that failed: passes far apart, results that came late
 * or say that a lane was late, and how many were not good, by NIC and real server. Times in s after `from`.
 */
export function heldUp(log: string, from: number): string {
  const found: string[] = [];
  const notGood = new Map<string, number>();
  const tell = (t: number, what: string) => t >= from && found.push(`${((t - from) / 1000).toFixed(2)} s: ${what}`);
  let [before, oldest] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const text = readFileSync(log, 'utf8');
  for (const line of text.slice(0, text.lastIndexOf('\n')).split('\n').slice(1)) {
    const { pass, t, outcome, nic, rs, anchor } = JSON.parse(line) as Record<string, string> & { pass?: number; t: number };
    if (outcome !== undefined) oldest = Math.min(oldest, t);
    if (outcome !== undefined && outcome !== 'ok' && t >= from) {
      const which = `${nic} ${rs ?? anchor} ${outcome}`;
      notGood.set(which, (notGood.get(which) ?? 0) + 1);
      if (outcome === 'late') tell(t, which);
    }
    if (pass === undefined) continue;
    if (pass - before > USUAL_MS) tell(pass, `no pass for ${Math.round(pass - before)} ms`);
    if (pass - oldest > USUAL_MS) tell(pass, `a result is ${Math.round(pass - oldest)} ms old`);
    [before, oldest] = [pass, Number.POSITIVE_INFINITY];
  }
  const held = found.length === 0 ? ['Neither judge nor lanes were held up.'] : ['Held up:', ...found];
  return [...held, 'Not good:', ...[...notGood].map(([which, times]) => `${which} ${times}`)].join('\n');
}
