/**
 * The judge's columns, once: type, first value, and what becomes of each at a reload and in a state file. Allocation
 * (`initial.ts`), reload (`retopologise.ts`), warm restart (`snapshot.ts`) and exact copies (`exact.ts`) are loops over these
 * tables, so a new column is one line here.
 *
 * Names: `…T` is a time in ms of the facts' clock; `…Since` is a reading of the hold clock (0 = not forming), which a stalled
 * caller can't make jump. Streaks count results in a row, good positive, bad negative.
 */
import { CAUSES, PHASES } from '../model/outcome.ts';
import { VERDICT_CAUSES, VERDICTS } from '../model/verdicts.ts';

export type Numbers = Uint8Array | Int8Array | Uint16Array | Int16Array | Int32Array | Uint32Array | Float64Array;

/** How a column stands in a state file: plain numbers, readings of the hold clock, or times as ages (0 = none). */
type Saved = 'plain' | 'hold' | 'age';

interface Traits {
  /** First value. */
  readonly fill?: number;
  /** Values per index, one block after the other. */
  readonly depth?: number;
  /**
   * What a reload does: `always` carries it, `same window` only while the loss window stays the same, `never`: it follows from
   * the topology.
   */
  readonly carried?: 'always' | 'same window' | 'never';
  readonly saved?: Saved;
  /** Least and greatest value of a column of codes: what is read from outside is held to it. */
  readonly range?: readonly [min: number, max: number];
  /** Begins again with each process: in a state file only for a judge that never stopped. */
  readonly newAtRestart?: true;
}

export interface Column<A extends Numbers> extends Required<Pick<Traits, 'fill' | 'depth' | 'carried'>> {
  readonly array: new (length: number) => A;
  readonly saved?: Saved;
  readonly range?: readonly [min: number, max: number];
  readonly newAtRestart?: true;
}

export type Schema = Readonly<Record<string, Column<Numbers>>>;
/** The typed arrays of a schema. */
export type Columns<S extends Schema> = { readonly [K in keyof S]: S[K] extends Column<infer A> ? A : never };

const column =
  <A extends Numbers>(array: new (length: number) => A) =>
  (traits: Traits = {}): Column<A> => ({ array, fill: 0, depth: 1, carried: 'always', ...traits });
const u8 = column(Uint8Array);
const i8 = column(Int8Array);
const u16 = column(Uint16Array);
const i16 = column(Int16Array);
const i32 = column(Int32Array);
const u32 = column(Uint32Array);
const f64 = column(Float64Array);

/** Values of `weightBy`. */
export const WEIGHT_SET = 1;
export const WEIGHT_ADDED = 2;
/** Buckets of the loss window. */
export const BUCKETS = 10;
/** Outcome code of a cell that was never probed. */
export const NEVER = 255;
const PLAIN: Traits = { saved: 'plain' };
/** Codes 0 … max. */
const code = (max: number, traits: Traits = {}) => u8({ range: [0, max], ...traits });
/** UNKNOWN, GOOD or BAD. */
const state = () => code(2);
const flag = (traits: Traits = {}) => code(1, traits);
const verdict = (traits: Traits = {}) => code(VERDICTS.length - 1, traits);
const cause = (traits: Traits = {}) => code(VERDICT_CAUSES.length - 1, traits);
/** Code of an outcome, or NEVER. */
const outcome = () => code(NEVER, { fill: NEVER });
/** A time; 0 = none. */
const time = () => f64({ saved: 'age' });
/** Since when a rule is forming, by the hold clock. */
const forming = () => f64({ saved: 'hold' });
/** A time; -Infinity = never. */
const lastTime = () => f64({ fill: Number.NEGATIVE_INFINITY });

const bucket = () => u8({ depth: BUCKETS, carried: 'same window' });
const windowSum = () => u16({ carried: 'same window' });

/** Per cell. A state file holds them in a form of their own (`snapshot-cells.ts`), because there are so many. */
export const CELL_COLUMNS = {
  /** Confirmed by `fall` or `rise`: GOOD, BAD, or UNKNOWN before either. */
  link: state(),
  service: state(),
  /** The confirmed state, or UNKNOWN when the last valid result is too old. Rewritten by each scan. */
  linkNow: state(),
  serviceNow: state(),
  linkStreak: i16(),
  serviceStreak: i16(),
  /** The last result, valid or not. */
  outcome: outcome(),
  phase: code(PHASES.length - 1),
  cause: code(CAUSES.length - 1),
  detail: i32(),
  rttUs: u32(),
  elapsedUs: u32(),
  /** When the last result came; 0 = never. */
  t: f64(),
  /** When the last result came that says something of the link, of the service; and the last good ones. */
  linkT: lastTime(),
  serviceT: lastTime(),
  linkGoodT: lastTime(),
  serviceGoodT: lastTime(),
  /** When the present row of service-bad results began. */
  serviceBadT: lastTime(),
  /** Outcome of the last link-good result. */
  goodOutcome: outcome(),
  /** Loss window: results, losses and good/bad alternations, per bucket (bucket-major) and in total. */
  bucketResults: bucket(),
  bucketLost: bucket(),
  bucketFlips: bucket(),
  windowResults: windowSum(),
  windowLost: windowSum(),
  windowFlips: windowSum(),
  /** 0 no result yet, 1 kept, 2 lost. */
  lastLoss: code(2),
  /** PATH verdicts. */
  path: verdict(),
  pathCause: cause(),
  pathAt: f64(),
  pathSince: f64(),
  /** A fault was counted and the path has not been good since. */
  pathFaulty: flag(),
} satisfies Schema;

/** Per anchor. */
export const ANCHOR_COLUMNS = {
  link: state(),
  streak: i16(),
  outcome: outcome(),
  t: f64(),
  linkT: lastTime(),
} satisfies Schema;

/** Per NIC. */
export const NIC_COLUMNS = {
  /** Index of the fault group. */
  group: i32({ carried: 'never' }),
  /** Whether no NIC lies outside its group: there can be no witnesses. */
  alone: flag({ carried: 'never' }),
  /** When the NIC joined. */
  born: f64({ saved: 'age', newAtRestart: true }),
  everGood: flag(PLAIN),
  verdict: verdict(PLAIN),
  cause: cause(PLAIN),
  at: time(),
  /** -1 unknown, 0 down, 1 up; since when. */
  carrier: i8({ fill: -1, range: [-1, 1], saved: 'plain' }),
  carrierT: time(),
  /** What it follows from where a data-plane port is behind the NIC: its link, the kernel's; -1 not known. */
  portLink: i8({ fill: -1, range: [-1, 1], saved: 'plain' }),
  kernelLink: i8({ fill: -1, range: [-1, 1], saved: 'plain' }),
  /** ENETDOWN results: first and last in a row. */
  netdownFirst: time(),
  netdownLast: time(),
  /** R5: whether its word counts about real servers. */
  trusted: flag(),
  suspect: flag(),
  /** Whether the fleet lets it be taken out (R12): -1 nobody has to be asked, 0 no, 1 yes. */
  permit: i8({ fill: -1, range: [-1, 1] }),
  /** R15: a BGP session over it is established, BFD is up with its peers: -1 not known; BFD was up once; as of when. */
  bgpSession: i8({ fill: -1, range: [-1, 1], saved: 'plain' }),
  bfd: i8({ fill: -1, range: [-1, 1], saved: 'plain' }),
  bfdEver: flag(PLAIN),
  routingT: time(),
  /** Loss over the mixed witness cells, 0 when there are too few results; `rowLoss` is the same without that condition. */
  loss: f64(),
  rowLoss: f64(),
  /** Whether the losses begin to look like R4b. */
  lossyHint: flag(),
  /** Since when the suspicion lasts (for R11). */
  suspectT: time(),
  /** Rules that are forming. */
  suspectSince: forming(),
  failSince: forming(),
  partialSince: forming(),
  lossySince: forming(),
  lossyFailSince: forming(),
  collapseSince: forming(),
  bfdSince: forming(),
  recoverSince: forming(),
  /** R3 waits for the data plane; the data plane works although the NIC is judged failed. */
  waitSince: forming(),
  provenSince: forming(),
  /** Fault present by R2, by R3/R4b: for counting flaps. */
  hardFault: flag(PLAIN),
  softFault: flag(PLAIN),
} satisfies Schema;

/** Per real server. */
export const SERVER_COLUMNS = {
  /** Interval and timeout of its check, ms. */
  interval: f64({ carried: 'never' }),
  timeout: f64({ carried: 'never' }),
  /** Most time between two valid results of a cell before it is UNKNOWN, ms. */
  limit: f64({ carried: 'never' }),
  fall: i32({ carried: 'never' }),
  rise: i32({ carried: 'never' }),
  /** Rack index or -1. */
  rack: i32({ carried: 'never' }),
  /** When the real server joined. */
  born: f64({ saved: 'age', newAtRestart: true }),
  verdict: verdict(PLAIN),
  cause: cause(PLAIN),
  at: time(),
  since: forming(),
  /** Since when some NIC has good answers; 0 = none has. */
  goodT: time(),
  /** A fault was counted and the real server has not been good since. */
  faulty: flag(PLAIN),
  /** When slow start began; 0 = at full weight. */
  rampT: time(),
  /** What the last good result says of the weight: nothing 0, that it is `weightValue` 1, that this is added to it 2. */
  weightBy: code(WEIGHT_ADDED, PLAIN),
  weightValue: i32(PLAIN),
} satisfies Schema;

/** Per rack. */
export const RACK_COLUMNS = {
  /** How many members are RS_DOWN. */
  down: i32({ carried: 'never' }),
  verdict: verdict(),
  at: f64(),
} satisfies Schema;

/** Per NIC, rewritten by each pass's scan. */
export const ROW_SCAN = {
  witnesses: i32(),
  /** Racks of the witnesses: none, one, several (2). */
  witnessRacks: u8(),
  failing: i32(),
  latestBad: i32(),
  rowValid: i32(),
  rowBad: i32(),
  rowService: i32(),
  rowServiceBad: i32(),
  rowServiceLatestBad: i32(),
  anchorsFresh: i32(),
  anchorsGood: i32(),
  anchorsBad: i32(),
  lossResults: f64(),
  lossLost: f64(),
  lossFlips: f64(),
  /** How often loss ended again: an outage that lasts shows none. */
  lossReturns: f64(),
  lossCells: i32(),
  othersResults: f64(),
  othersLost: f64(),
} satisfies Schema;

/** Per real server, rewritten by each pass's scan. */
export const COLUMN_SCAN = {
  /** Group of the first NIC whose latest result is link-good (-1 none), whether another group's is too. */
  goodGroup: i32(),
  goodElsewhere: u8(),
  serviceGood: i32(),
  serviceBad: i32(),
  columnResults: f64(),
  columnLost: f64(),
} satisfies Schema;

/** Arrays for `length` indices. */
export function allocate<S extends Schema>(schema: S, length: number): Columns<S> {
  const made = Object.entries(schema).map(([name, { array, fill, depth }]) => {
    const values = new array(length * depth);
    return [name, fill === 0 ? values : values.fill(fill)];
  });
  return Object.fromEntries(made) as Columns<S>;
}
