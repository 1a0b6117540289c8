/** The cells in a snapshot: columns in NIC-major order; a time that equals another, and what is at its default, is left out. */
import { CAUSES, OUTCOMES, PHASES } from '../model/outcome.ts';
import { VERDICT } from '../model/verdicts.ts';
import { CELL_COLUMNS, NEVER } from './columns.ts';
import { type State } from './memory.ts';
import type { Reader, Saved } from './snapshot-reader.ts';

const NAMES = [
  'states',
  'linkStreak',
  'serviceStreak',
  'outcome',
  'age',
  'linkAge',
  'serviceAge',
  'linkGoodAge',
  'serviceGoodAge',
  'last',
  'paths',
];
const NONE = Number.NEGATIVE_INFINITY;

/** Ages of `times` where they differ from the `usual` time: cell, age, cell, age, …; null = never. */
function differing(times: Float64Array, usual: Float64Array, now: number): (number | null)[] {
  const out: (number | null)[] = [];
  for (let c = 0; c < times.length; c++) {
    if (times[c] !== usual[c]) out.push(c, times[c] === NONE ? null : Math.round(now - times[c]!));
  }
  return out;
}

export function saveCells(s: State): Saved {
  const { cells, clock } = s;
  const { now } = clock;
  const last: number[] = [];
  const paths: number[] = [];
  for (let c = 0; c < cells.link.length; c++) {
    const odd =
      cells.goodOutcome[c] !== cells.outcome[c] || cells.phase[c] !== 0 || cells.cause[c] !== 0 || cells.detail[c] !== 0;
    if (odd) last.push(c, cells.goodOutcome[c]!, cells.phase[c]!, cells.cause[c]!, cells.detail[c]!);
    if (cells.path[c] === VERDICT.OK && cells.pathSince[c] === 0 && cells.pathFaulty[c] === 0) continue;
    paths.push(
      c,
      cells.path[c]!,
      cells.pathCause[c]!,
      cells.pathFaulty[c]!,
      Math.round(now - cells.pathAt[c]!),
      cells.pathSince[c]!,
    );
  }
  return {
    states: cells.link.reduce((text, link, c) => text + String(link * 3 + cells.service[c]!), ''),
    linkStreak: [...cells.linkStreak],
    serviceStreak: [...cells.serviceStreak],
    outcome: [...cells.outcome],
    age: Array.from(cells.t, (t) => (t === 0 ? null : Math.round(now - t))),
    linkAge: differing(cells.linkT, cells.t, now),
    serviceAge: differing(cells.serviceT, cells.linkT, now),
    linkGoodAge: differing(cells.linkGoodT, cells.linkT, now),
    serviceGoodAge: differing(cells.serviceGoodT, cells.serviceT, now),
    last,
    paths,
  };
}

/** `count`: cells in the snapshot; `where`: the cell here of a cell there, below 0 = gone. */
export function restoreCells(s: State, reader: Reader, count: number, where: (c: number) => number): void {
  const r = reader.child('cells');
  r.only(NAMES);
  const { cells } = s;
  const states = r.digits('states', count);
  const old = {
    t: new Float64Array(count),
    linkT: new Float64Array(count),
    serviceT: new Float64Array(count),
    linkGoodT: new Float64Array(count),
    serviceGoodT: new Float64Array(count),
  };
  const ages = r.list('age', count);
  for (let c = 0; c < count; c++) old.t[c] = ages[c] === null ? 0 : r.time(ages[c], 'age');
  const patch = (name: string, into: Float64Array, usual: Float64Array) => {
    into.set(usual);
    const list = r.list(name);
    for (let k = 0; k + 1 < list.length; k += 2) {
      const c = r.integer(list[k], 0, count - 1, name);
      into[c] = list[k + 1] === null ? NONE : r.time(list[k + 1], name);
    }
  };
  patch('linkAge', old.linkT, old.t);
  patch('serviceAge', old.serviceT, old.linkT);
  patch('linkGoodAge', old.linkGoodT, old.linkT);
  patch('serviceGoodAge', old.serviceGoodT, old.serviceT);
  const [links, services, outcomes] = [r.list('linkStreak', count), r.list('serviceStreak', count), r.list('outcome', count)];
  for (let c = 0; c < count; c++) {
    const to = where(c);
    if (to < 0) continue;
    const code = states.charCodeAt(c) - 48;
    cells.link[to] = Math.floor(code / 3);
    cells.service[to] = code % 3;
    cells.linkStreak[to] = r.integer(links[c], -32_768, 32_767, 'linkStreak');
    cells.serviceStreak[to] = r.integer(services[c], -32_768, 32_767, 'serviceStreak');
    const outcome = r.integer(outcomes[c], 0, NEVER, 'outcome');
    if (outcome !== NEVER && outcome >= OUTCOMES.length) throw new RangeError(`outcome: no outcome has code ${outcome}`);
    cells.outcome[to] = outcome;
    cells.goodOutcome[to] = outcome;
    for (const name of ['t', 'linkT', 'serviceT', 'linkGoodT', 'serviceGoodT'] as const) cells[name][to] = old[name][c]!;
  }
  restoreOdd(s, r, count, where);
}

function restoreOdd(s: State, r: Reader, count: number, where: (c: number) => number): void {
  const { cells } = s;
  const last = r.list('last');
  for (let k = 0; k + 4 < last.length; k += 5) {
    const to = where(r.integer(last[k], 0, count - 1, 'last'));
    if (to < 0) continue;
    cells.goodOutcome[to] = r.integer(last[k + 1], 0, NEVER, 'last');
    cells.phase[to] = r.integer(last[k + 2], 0, PHASES.length - 1, 'last');
    cells.cause[to] = r.integer(last[k + 3], 0, CAUSES.length - 1, 'last');
    cells.detail[to] = r.integer(last[k + 4], -2_147_483_648, 2_147_483_647, 'last');
  }
  const paths = r.list('paths');
  for (let k = 0; k + 5 < paths.length; k += 6) {
    const to = where(r.integer(paths[k], 0, count - 1, 'paths'));
    if (to < 0) continue;
    cells.path[to] = r.integer(paths[k + 1], ...CELL_COLUMNS.path.range!, 'paths');
    cells.pathCause[to] = r.integer(paths[k + 2], ...CELL_COLUMNS.pathCause.range!, 'paths');
    cells.pathFaulty[to] = r.integer(paths[k + 3], 0, 1, 'paths');
    cells.pathAt[to] = r.time(paths[k + 4], 'paths');
    cells.pathSince[to] = r.finite(paths[k + 5], 0, s.clock.hold, 'paths');
  }
}
