/** The corner cases that everybody gets wrong once, as matrices: rows are NICs, columns real servers. */
import type { FleetFact, RoutingFact } from '../../src/model/facts.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import type { Topology } from '../../src/model/topology.ts';
import { type Fault, type Shape, topology } from './world.ts';

/** When the matrix takes over from a healthy world, and how long the log is: ms. */
export const FAULT_AT = 6000;
export const END = 13_000;

export interface Vector {
  readonly name: string;
  /** `1` good, `0` no answer, `r` refused, `7` wrong answer, `?` no result; rows by `/`. */
  readonly matrix: string;
  /** One digit per NIC: its anchor answers. */
  readonly anchors: string;
  readonly shape?: Partial<Shape>;
  /**
   * R14: what 16 other load balancers find of each real server from 2 s after the matrix: `1` all find it good, `0` all bad, `?`
   * half of them. Left out: they say nothing.
   */
  readonly elsewhere?: string;
  /**
   * R15, one letter per NIC, from the fault on: `u` session and BFD up, `b` BFD down under a session that is up, `d` both
   * down, `s`
   * only the session down, `x` a session without BFD; before it both are up. Left out: no routing daemon is read.
   */
  readonly routing?: string;
  /** SUSPECT at the end, where it is the matter. */
  readonly suspects?: readonly string[];
  /** Verdicts that must be there at the end, and no others (SUSPECT aside). */
  readonly expected: readonly string[];
  /** What was named on the way, if it is more than that. */
  readonly said?: readonly string[];
  /** Actions that must have been let through, in any order, and no others. */
  readonly actions?: readonly string[];
  /** Limits that must have held something back. */
  readonly blocked?: readonly string[];
  /** Committed as test/fixtures/evidence/NAME.jsonl. */
  readonly committed?: boolean;
}

const rs = (j: number) => `10.0.0.${j}:80`;
const down = (j: number, cause: string) => `RS_DOWN(${rs(j)} ${cause})`;
const off = (...servers: number[]) => servers.map((j) => `set_real_server ${rs(j)} 0`);

export const vectors: readonly Vector[] = [
  { name: '01-healthy', matrix: '1111/1111', anchors: '11', expected: [] },
  {
    name: '02-nic-link',
    matrix: '0000/1111',
    anchors: '01',
    expected: ['NIC_FAIL(eth0 link)'],
    actions: ['disable_nic eth0'],
    committed: true,
  },
  {
    name: '03-nic-upstream',
    matrix: '0000/1111',
    anchors: '11',
    expected: ['NIC_FAIL(eth0 upstream)'],
    actions: ['disable_nic eth0'],
    committed: true,
  },
  {
    name: '04-rs-unreachable',
    matrix: '1011/1011',
    anchors: '11',
    expected: [down(1, 'unreachable')],
    actions: off(1),
    committed: true,
  },
  { name: '05-rs-refused', matrix: '1r11/1r11', anchors: '11', expected: [down(1, 'refused')], actions: off(1) },
  { name: '05b-rs-l7', matrix: '1711/1711', anchors: '11', expected: [down(1, 'l7')], actions: off(1) },
  {
    name: '06-nic-and-rs',
    matrix: '0000/1011',
    anchors: '01',
    expected: ['NIC_FAIL(eth0 link)', down(1, 'unreachable')],
    actions: ['disable_nic eth0', ...off(1)],
    committed: true,
  },
  { name: '07-all-refuse', matrix: 'rrrr/rrrr', anchors: '11', expected: ['ALL_RS_DOWN'], committed: true },
  { name: '08-all-dead', matrix: '0000/0000', anchors: '11', expected: ['ALL_RS_DOWN'] },
  { name: '09-isolated', matrix: '0000/0000', anchors: '00', expected: ['AGENT_ISOLATED'], committed: true },
  { name: '10-all-dead-one-anchor', matrix: '0000/0000', anchors: '10', expected: ['ALL_RS_DOWN'] },
  {
    name: '11-path',
    matrix: '1111/1011',
    anchors: '11',
    expected: [`PATH(eth1>${rs(1)} link)`],
    actions: [`disable_path eth1 ${rs(1)}`],
    committed: true,
  },
  {
    name: '12-path-refused',
    matrix: '1111/1r11',
    anchors: '11',
    expected: [`PATH(eth1>${rs(1)} refused)`],
    actions: [`disable_path eth1 ${rs(1)}`],
  },
  {
    name: '13-partial',
    matrix: '00111111/11111111',
    anchors: '11',
    expected: ['NIC_PARTIAL(eth0)', `PATH(eth0>${rs(0)} link)`, `PATH(eth0>${rs(1)} link)`],
    actions: [`disable_path eth0 ${rs(0)}`, `disable_path eth0 ${rs(1)}`],
    committed: true,
  },
  {
    name: '14-few-witnesses',
    matrix: '00/11',
    anchors: '01',
    expected: ['NIC_FAIL(eth0 link)'],
    actions: ['disable_nic eth0'],
  },
  {
    name: '14b-few-witnesses-anchor-good',
    matrix: '00/11',
    anchors: '11',
    expected: [`PATH(eth0>${rs(0)} link)`, `PATH(eth0>${rs(1)} link)`],
    actions: [`disable_path eth0 ${rs(0)}`],
    blocked: ['panic'],
  },
  { name: '15-blind', matrix: '????/????', anchors: '11', expected: ['AGENT_STALLED'] },
  {
    name: '16-only-nic',
    matrix: '0000',
    anchors: '0',
    expected: ['AGENT_ISOLATED', 'NIC_FAIL(eth0 link)'],
    blocked: ['freeze'],
    committed: true,
  },
  { name: '17-only-nic-rs', matrix: '1011', anchors: '1', expected: [down(1, 'unreachable')], actions: off(1) },
  {
    name: '18-one-rack-only',
    matrix: '0000111/1111111',
    anchors: '11',
    shape: { rack: (j) => (j < 4 ? 'k' : 'm') },
    expected: ['NIC_PARTIAL(eth0)', ...[0, 1, 2, 3].map((j) => `PATH(eth0>${rs(j)} link)`)],
    actions: [`disable_path eth0 ${rs(0)}`, `disable_path eth0 ${rs(1)}`],
    blocked: ['budget_service'],
  },
  {
    name: '19-rack',
    matrix: '11110000/11110000',
    anchors: '11',
    shape: { rack: (j) => (j < 4 ? 'j' : 'k') },
    expected: ['RACK_FAULT(k)', ...[4, 5, 6, 7].map((j) => down(j, 'unreachable'))],
    actions: off(4),
    blocked: ['budget_service'],
    committed: true,
  },
  {
    name: '23-most-dead-and-a-path-each',
    matrix: '10000000/01000000',
    anchors: '11',
    expected: [...[2, 3, 4, 5, 6, 7].map((j) => down(j, 'unreachable')), `PATH(eth0>${rs(1)} link)`, `PATH(eth1>${rs(0)} link)`],
    actions: off(2),
    blocked: ['budget_service'],
    committed: true,
  },
  {
    name: '24-the-same-without-anchors',
    matrix: '10000000/01000000',
    anchors: '11',
    shape: { anchors: () => [] },
    expected: [...[2, 3, 4, 5, 6, 7].map((j) => down(j, 'unreachable')), `PATH(eth0>${rs(1)} link)`, `PATH(eth1>${rs(0)} link)`],
    actions: off(2),
    blocked: ['budget_service'],
  },
  { name: '20-one-lane-silent', matrix: '????/1111', anchors: '11', expected: [] },
  {
    name: '24-ill-server',
    matrix: '00000111/00000111',
    anchors: '11',
    elsewhere: '11111111',
    expected: ['AGENT_ILL'],
    committed: true,
  },
  { name: '25-all-dead-here-only', matrix: '0000/0000', anchors: '11', elsewhere: '1111', expected: ['AGENT_ILL'] },
  { name: '26-all-dead-everywhere', matrix: '0000/0000', anchors: '11', elsewhere: '0000', expected: ['ALL_RS_DOWN'] },
  { name: '27-isolated-with-a-word', matrix: '0000/0000', anchors: '00', elsewhere: '1111', expected: ['AGENT_ISOLATED'] },
  {
    name: '28-local-path',
    matrix: '1011/1011',
    anchors: '11',
    elsewhere: '1111',
    shape: { rules: { fleet_hold_rounds: 1, fleet_hold_ms: 500 } },
    expected: [down(1, 'local_path')],
    said: [down(1, 'unreachable'), down(1, 'local_path')],
    actions: off(1),
    committed: true,
  },
  {
    name: '29-not-told',
    matrix: '1011/1011',
    anchors: '11',
    elsewhere: '1?11',
    shape: { rules: { fleet_hold_rounds: 1, fleet_hold_ms: 500 } },
    expected: [down(1, 'unreachable')],
    actions: off(1),
  },
  {
    name: '30-bfd-down-session-up',
    matrix: '1111/1111',
    anchors: '11',
    routing: 'bu',
    expected: [],
    suspects: ['SUSPECT(eth0 bfd)'],
    committed: true,
  },
  { name: '31-session-down-alone', matrix: '1111/1111', anchors: '11', routing: 'su', expected: [], suspects: [] },
  { name: '32-session-and-bfd-down', matrix: '1111/1111', anchors: '11', routing: 'du', expected: [], suspects: [] },
  {
    name: '33-bfd-as-the-anchor-down',
    matrix: '0000/1111',
    anchors: '11',
    shape: { anchors: () => [] },
    routing: 'du',
    expected: ['NIC_FAIL(eth0 link)'],
    actions: ['disable_nic eth0'],
    committed: true,
  },
  {
    name: '34-bfd-as-the-anchor-up',
    matrix: '0000/1111',
    anchors: '11',
    shape: { anchors: () => [] },
    routing: 'uu',
    expected: ['NIC_FAIL(eth0 upstream)'],
    actions: ['disable_nic eth0'],
  },
  {
    name: '35-no-anchor-and-no-bfd',
    matrix: '0000/1111',
    anchors: '11',
    shape: { anchors: () => [] },
    routing: 'xu',
    expected: ['NIC_FAIL(eth0)'],
    actions: ['disable_nic eth0'],
  },
  {
    name: '36-few-witnesses-and-bfd-down',
    matrix: '00/11',
    anchors: '11',
    shape: { anchors: () => [] },
    routing: 'du',
    expected: ['NIC_FAIL(eth0 link)'],
    actions: ['disable_nic eth0'],
  },
  {
    name: '37-few-witnesses-and-bfd-up',
    matrix: '00/11',
    anchors: '11',
    shape: { anchors: () => [] },
    routing: 'uu',
    expected: [`PATH(eth0>${rs(0)} link)`, `PATH(eth0>${rs(1)} link)`],
    actions: [`disable_path eth0 ${rs(0)}`],
    blocked: ['panic'],
  },
];

/** What daemons show every second. */
const ROUTING: Readonly<Record<string, Pick<RoutingFact, 'session' | 'bfd'>>> = {
  u: { session: 1, bfd: 1 },
  b: { session: 1, bfd: 0 },
  d: { session: 0, bfd: 0 },
  s: { session: 0, bfd: 1 },
  x: { session: 1 },
};
function routingOf(letters: string): RoutingFact[] {
  return Array.from({ length: END / 1000 }, (_, k) => k * 1000).flatMap((t) =>
    Array.from(
      letters,
      (letter, nic): RoutingFact => ({ kind: 'routing', t, measuredAt: t, nic, ...ROUTING[t < FAULT_AT ? 'u' : letter]! }),
    ),
  );
}

const OUTCOME: Readonly<Record<string, Outcome | 'none'>> = { 1: 'ok', 0: 'timeout', r: 'refused', 7: 'l7', '?': 'none' };

/** What the others say every second. */
function wordOf(elsewhere: string): FleetFact[] {
  const bad = { '1': 0, '?': 8, '0': 16 } as Readonly<Record<string, number>>;
  return Array.from({ length: END / 1000 }, (_, k): FleetFact => {
    const t = k * 1000;
    const counts = t < FAULT_AT + 2000 ? [] : Array.from(elsewhere, (digit) => bad[digit]!);
    const servers = [...counts.keys()].filter((server) => counts[server]! > 0);
    const unknown = servers.map(() => 0);
    return { kind: 'fleet', t, measuredAt: t, witnesses: 16, servers, bad: servers.map((server) => counts[server]!), unknown };
  });
}

/** World and fault of a vector. */
export function build(v: Vector): { topology: Topology; fault: Fault } {
  const rows = v.matrix.split('/');
  return {
    topology: topology({ nics: rows.length, servers: rows[0]!.length, ...v.shape }),
    fault: {
      cell: (i, j) => (t) => (t < FAULT_AT ? 'ok' : OUTCOME[rows[i]![j]!]!),
      anchor: (i) => (t) => (t < FAULT_AT || v.anchors[i] === '1' ? 'ok' : 'timeout'),
      ...(v.elsewhere === undefined ? {} : { links: wordOf(v.elsewhere) }),
      ...(v.routing === undefined ? {} : { links: routingOf(v.routing) }),
    },
  };
}
