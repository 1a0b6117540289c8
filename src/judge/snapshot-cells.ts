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
const LATER = ['serviceBadAge'];
const TIMES = ['t', 'linkT', 'serviceT', 'linkGoodT', 'serviceGoodT', 'serviceBadT'] as const;
const NONE = Number.NEGATIVE_INFINITY;

/** Ages of `times` where they are wanted: cell, age, cell, age, …; null = never. */
function agesOf(times: Float64Array, now: number, wanted: (cell: number) => boolean): (number | null)[] {
  const out: (number | null)[] = [];
  for (let cell = 0; cell < times.length; cell++) {
    if (wanted(cell)) out.push(cell, times[cell] === NONE ? null : Math.round(now - times[cell]!));
  }
  return out;
}

/** Those that differ from the `usual` time. */
const differing = (times: Float64Array, usual: Float64Array, now: number) =>
  agesOf(times, now, (cell) => times[cell] !== usual[cell]);

export function saveCells(state: State): Saved {
  const { cells, clock } = state;
  const { now } = clock;
  const last: number[] = [];
  const paths: number[] = [];
  for (let cell = 0; cell < cells.link.length; cell++) {
    const odd =
      cells.goodOutcome[cell] !== cells.outcome[cell] ||
      cells.phase[cell] !== 0 ||
      cells.cause[cell] !== 0 ||
      cells.detail[cell] !== 0;
    if (odd) last.push(cell, cells.goodOutcome[cell]!, cells.phase[cell]!, cells.cause[cell]!, cells.detail[cell]!);
    if (cells.path[cell] === VERDICT.OK && cells.pathSince[cell] === 0 && cells.pathFaulty[cell] === 0) continue;
    paths.push(
      cell,
      cells.path[cell]!,
      cells.pathCause[cell]!,
      cells.pathFaulty[cell]!,
      Math.round(now - cells.pathAt[cell]!),
      cells.pathSince[cell]!,
    );
  }
  return {
    states: cells.link.reduce((text, link, cell) => text + String(link * 3 + cells.service[cell]!), ''),
    linkStreak: [...cells.linkStreak],
    serviceStreak: [...cells.serviceStreak],
    outcome: [...cells.outcome],
    age: Array.from(cells.t, (t) => (t === 0 ? null : Math.round(now - t))),
    linkAge: differing(cells.linkT, cells.t, now),
    serviceAge: differing(cells.serviceT, cells.linkT, now),
    linkGoodAge: differing(cells.linkGoodT, cells.linkT, now),
    serviceGoodAge: differing(cells.serviceGoodT, cells.serviceT, now),
    serviceBadAge: agesOf(cells.serviceBadT, now, (cell) => cells.serviceStreak[cell]! < 0),
    last,
    paths,
  };
}

/** `count`: cells in the snapshot; `where`: the cell here of a cell there, below 0 = gone. */
export function restoreCells(state: State, reader: Reader, count: number, where: (cell: number) => number): void {
  reader.only(NAMES, LATER);
  const { cells } = state;
  const states = reader.digits('states', count);
  const old = {
    t: new Float64Array(count),
    linkT: new Float64Array(count),
    serviceT: new Float64Array(count),
    linkGoodT: new Float64Array(count),
    serviceGoodT: new Float64Array(count),
    serviceBadT: new Float64Array(count),
  };
  const ages = reader.list('age', count);
  for (let cell = 0; cell < count; cell++) old.t[cell] = ages[cell] === null ? 0 : reader.time(ages[cell], 'age');
  const patch = (name: string, into: Float64Array, usual: Float64Array) => {
    into.set(usual);
    const list = reader.list(name);
    for (let at = 0; at + 1 < list.length; at += 2) {
      const cell = reader.integer(list[at], 0, count - 1, name);
      into[cell] = list[at + 1] === null ? NONE : reader.time(list[at + 1], name);
    }
  };
  patch('linkAge', old.linkT, old.t);
  patch('serviceAge', old.serviceT, old.linkT);
  patch('linkGoodAge', old.linkGoodT, old.linkT);
  patch('serviceGoodAge', old.serviceGoodT, old.serviceT);
  old.serviceBadT.fill(NONE);
  if (reader.has('serviceBadAge')) patch('serviceBadAge', old.serviceBadT, old.serviceBadT);
  const [links, services, outcomes] = [
    reader.list('linkStreak', count),
    reader.list('serviceStreak', count),
    reader.list('outcome', count),
  ];
  for (let cell = 0; cell < count; cell++) {
    const to = where(cell);
    if (to < 0) continue;
    const code = states.charCodeAt(cell) - 48;
    cells.link[to] = Math.floor(code / 3);
    cells.service[to] = code % 3;
    cells.linkStreak[to] = reader.integer(links[cell], -32_768, 32_767, 'linkStreak');
    cells.serviceStreak[to] = reader.integer(services[cell], -32_768, 32_767, 'serviceStreak');
    const outcome = reader.integer(outcomes[cell], 0, NEVER, 'outcome');
    if (outcome !== NEVER && outcome >= OUTCOMES.length) throw new RangeError(`outcome: no outcome has code ${outcome}`);
    cells.outcome[to] = outcome;
    cells.goodOutcome[to] = outcome;
    for (const name of TIMES) cells[name][to] = old[name][cell]!;
  }
  restoreOdd(state, reader, count, where);
}

function restoreOdd(state: State, reader: Reader, count: number, where: (cell: number) => number): void {
  const { cells } = state;
  const last = reader.list('last');
  for (let at = 0; at + 4 < last.length; at += 5) {
    const to = where(reader.integer(last[at], 0, count - 1, 'last'));
    if (to < 0) continue;
    cells.goodOutcome[to] = reader.integer(last[at + 1], 0, NEVER, 'last');
    cells.phase[to] = reader.integer(last[at + 2], 0, PHASES.length - 1, 'last');
    cells.cause[to] = reader.integer(last[at + 3], 0, CAUSES.length - 1, 'last');
    cells.detail[to] = reader.integer(last[at + 4], -2_147_483_648, 2_147_483_647, 'last');
  }
  const paths = reader.list('paths');
  for (let at = 0; at + 5 < paths.length; at += 6) {
    const to = where(reader.integer(paths[at], 0, count - 1, 'paths'));
    if (to < 0) continue;
    cells.path[to] = reader.integer(paths[at + 1], ...CELL_COLUMNS.path.range!, 'paths');
    cells.pathCause[to] = reader.integer(paths[at + 2], ...CELL_COLUMNS.pathCause.range!, 'paths');
    cells.pathFaulty[to] = reader.integer(paths[at + 3], 0, 1, 'paths');
    cells.pathAt[to] = reader.time(paths[at + 4], 'paths');
    cells.pathSince[to] = reader.finite(paths[at + 5], 0, state.clock.hold, 'paths');
  }
}
