/**
 * A running agent as reports see it: 3 NICs, 12 real servers in 3 racks, 4 services; one NIC failed, one real server refuses, one
 * path fails.
 */
import { reasonFor } from '../../src/judge/reason.ts';
import { L7, OK, REFUSED, TIMEOUT } from '../../src/model/outcome.ts';
import type { Plan, Service, Target } from '../../src/model/plan.ts';
import type { Evidence, Subject, Transition, Verdict, Wanted } from '../../src/model/verdict.ts';
import { TransitionLog } from '../../src/report/history.ts';
import { type AgentView, BAD, GOOD } from '../../src/report/view.ts';

/** 2026-01-31T12:00:00Z, and the monotonic clock of that moment. */
export const WALL = Date.UTC(2026, 0, 31, 12);
export const NOW = 5_000_000;

export interface Fault {
  readonly nic: number;
  readonly target: number;
  readonly outcome: number;
}

const check = { type: 'http', interval: 1000, timeout: 500, fall: 3, rise: 2 };

export function makePlan(nics: number, targets: number, racks: number, extra: Partial<Plan> = {}): Plan {
  const perRack = Math.ceil(targets / racks);
  const list = Array.from({ length: targets }, (_, j): Target => {
    const realServer = `10.1.${Math.floor(j / perRack) + 1}.${(j % perRack) + 11}:8080`;
    return {
      id: realServer,
      key: realServer,
      realServer,
      address: { family: 4, ip: realServer.split(':')[0]!, port: 8080 },
      rack: `r${Math.floor(j / perRack) + 1}`,
      check,
    };
  });
  const names = Array.from({ length: nics }, (_, i) => `eth${i + 2}`);
  const all = list.map((_, target) => ({ target, weight: 100 }));
  const service = (name: string, vip: string, over: Partial<Service>): Service => ({
    name,
    vip,
    nics: names.map((_, i) => i),
    panic: 0.5,
    realServers: all,
    actuator: { type: 'none' },
    ...over,
  });
  return {
    cluster: 'edge-1',
    server: 'lb-01',
    listen: { host: '127.0.0.1', port: 0 },
    stateDir: '/var/lib/fourlane',
    nics: names.map((name) => ({ name, device: name, group: name, anchors: [], onFail: [] })),
    targets: list,
    services: [
      service('web', '203.0.113.10:80/tcp', {}),
      ...names.map((n, i) =>
        service(`api-${n}`, `203.0.113.${20 + i}:443/tcp`, { nics: [i], realServers: all.filter((_, j) => j % 3 !== 2) }),
      ),
    ],
    rules: {},
    collectors: {},
    web: {},
    revision: '3f2a9c1e5b7d4c60aa11bb22cc33dd44ee55ff66778899aabbccddeeff001122',
    fingerprint: '',
    ...extra,
  };
}

const evidence = (rule: string, witnesses: number, failing: number, over: Partial<Evidence> = {}): Evidence => ({
  rule,
  witnesses,
  failing,
  anchors: [],
  cells: [],
  numbers: {},
  ...over,
});

/** With the sentence that the judge says of such evidence. */
const verdictOf = (v: Omit<Verdict, 'reason'>): Verdict => ({ ...v, reason: reasonFor(v, v.verdict, v.cause, v.evidence) });

export const NIC_FAULT = verdictOf({
  subject: 'nic',
  nic: 'eth3',
  verdict: 'NIC_FAIL',
  cause: 'link',
  since: NOW - 252_000,
  evidence: evidence('R3', 12, 12, {
    anchors: [{ id: '192.0.2.1', outcome: 'timeout', t: NOW - 150 }],
    numbers: { f: 1, loss: 1 },
    cells: [
      {
        nic: 'eth3',
        rs: '10.1.1.11:8080',
        outcome: 'timeout',
        t: NOW - 300,
        phase: 'connect',
        cause: 'deadline',
        detail: 0,
        rttUs: 0,
        elapsedUs: 500_000,
        consecutiveBad: 252,
      },
    ],
  }),
});

export const RS_FAULT = verdictOf({
  subject: 'rs',
  rs: '10.1.2.13:8080',
  verdict: 'RS_DOWN',
  cause: 'refused',
  since: NOW - 3_900_000,
  evidence: evidence('R6', 0, 2, { numbers: { valid_cells: 2, good_nics: 0 } }),
});

export const PATH_FAULT = verdictOf({
  subject: 'path',
  nic: 'eth4',
  rs: '10.1.1.12:8080',
  verdict: 'PATH',
  cause: 'link',
  since: NOW - 34_000,
  evidence: evidence('R7', 1, 1, { numbers: { valid_cells: 2, good_nics: 1 } }),
});

const transition = (v: Verdict, over: Partial<Transition> = {}): Transition => ({
  ...v,
  t: v.since,
  previous: 'OK',
  actions: [],
  blocked: [],
  ...over,
});

export interface FakeOptions {
  readonly plan?: Plan;
  readonly verdicts?: readonly Verdict[];
  readonly faults?: readonly Fault[];
  readonly over?: Partial<AgentView>;
}

/** A view of a healthy agent with the plan, verdicts and bad cells given; `over` replaces whole members. */
export function fakeView({ plan = makePlan(3, 12, 3), verdicts = [], faults = [], over = {} }: FakeOptions = {}): AgentView {
  const width = plan.targets.length;
  const size = plan.nics.length * width;
  const cells = {
    link: new Uint8Array(size).fill(GOOD),
    service: new Uint8Array(size).fill(GOOD),
    outcome: new Uint8Array(size).fill(OK),
    cause: new Uint8Array(size),
    rttUs: Uint32Array.from({ length: size }, (_, i) => 180 + ((i * 37) % 260)),
    t: Float64Array.from({ length: size }, (_, i) => NOW - 40 - ((i * 83) % 950)),
  };
  for (const { nic, target, outcome } of faults) {
    const i = nic * width + target;
    cells.outcome[i] = outcome;
    cells.service[i] = BAD;
    if (outcome !== REFUSED && outcome !== L7) {
      cells.link[i] = BAD;
      cells.rttUs[i] = 0;
    }
  }
  const failedNics = new Set(verdicts.filter((v) => v.verdict === 'NIC_FAIL').map((v) => v.nic));
  const downRs = new Set(verdicts.filter((v) => v.verdict === 'RS_DOWN').map((v) => v.rs));
  const wanted: Wanted = {
    nicEnabled: Uint8Array.from(plan.nics, (n) => (failedNics.has(n.name) ? 0 : 1)),
    weight: plan.services.map((s) => Float32Array.from(s.realServers, (r) => (downRs.has(plan.targets[r.target]!.id) ? 0 : 1))),
    path: plan.services.map((s) => new Uint8Array(s.nics.length * s.realServers.length).fill(1)),
    panic: new Uint8Array(plan.services.length),
    dynamic: { by: new Uint8Array(plan.targets.length), value: new Int32Array(plan.targets.length) },
    frozen: '',
  };
  return {
    version: '0.1.0',
    startedAt: NOW - 4_321_000,
    now: () => NOW,
    wallOffsetMs: () => WALL - NOW,
    plan: () => plan,
    phase: () => 'running',
    ready: () => ({ ready: true, reason: 'every lane runs' }),
    release: () => undefined,
    lastReload: () => ({ ok: true, message: 'loaded', t: NOW - 4_320_000 }),
    nics: () => plan.nics.map((n) => ({ carrier: 1, carrierChanges: 0, loss: failedNics.has(n.name) ? 1 : 0 })),
    cells: () => cells,
    wanted: () => wanted,
    verdicts: () => verdicts,
    why: (s: Subject) =>
      verdicts.find((v) => v.subject === s.subject && v.nic === s.nic && v.rs === s.rs) ?? {
        ...s,
        verdict: 'OK',
        cause: 'none',
        since: NOW - 4_000_000,
        reason: 'Nothing speaks against it.',
        evidence: evidence('', 0, 0),
      },
    history: new TransitionLog(),
    pending: () => ({ total: 0, failing: 0, longest: [] }),
    collectors: () => [],
    findings: () => [],
    ...over,
  };
}

const PENDING: ReturnType<AgentView['pending']> = {
  total: 3,
  failing: 1,
  longest: [
    {
      actuator: 'webhook',
      kind: 'nic',
      nic: 'eth3',
      wanted: 'failed',
      actual: 'ok',
      state: 'retrying',
      since: NOW - 252_000,
      failures: 8,
      error: 'POST http://192.0.2.80:8080/… failed: answered 503, needs 2xx',
    },
    {
      actuator: 'exec',
      kind: 'realServer',
      service: 'web',
      realServer: '10.1.2.13:8080',
      wanted: 'disabled',
      weight: 0,
      actual: 'weight 100',
      state: 'running',
      since: NOW - 1200,
      failures: 0,
      error: '',
    },
  ],
};

/** The world of the status page's test and of its pictures. */
export function troubledView(over: Partial<AgentView> = {}): AgentView {
  const history = new TransitionLog();
  const action = { action: 'disable_nic', nic: 'eth3' } as const;
  const remove = { action: 'set_real_server', service: 'web', rs: '10.1.2.13:8080', weight: 0 } as const;
  const suspect = verdictOf({ ...NIC_FAULT, verdict: 'SUSPECT', cause: 'none', since: NOW - 255_400 });
  const flap = verdictOf({ ...PATH_FAULT, nic: 'eth2', rs: '10.1.3.14:8080', since: NOW - 900_000 });
  const healed = verdictOf({ ...flap, verdict: 'OK', cause: 'none', since: NOW - 860_000 });
  history.record({
    transitions: [
      transition(RS_FAULT, { actions: [remove] }),
      transition(flap, {
        blocked: [{ action: { action: 'disable_path', service: 'web', nic: 'eth2', rs: flap.rs! }, rule: 'budget_service' }],
      }),
      transition(healed, { previous: 'PATH' }),
      transition(suspect),
      transition(NIC_FAULT, { previous: 'SUSPECT', actions: [action] }),
      transition(PATH_FAULT, { actions: [{ action: 'disable_path', service: 'web', nic: 'eth4', rs: '10.1.1.12:8080' }] }),
    ],
    blocked: [{ action, rule: 'budget_service' }],
  });
  const plan = makePlan(3, 12, 3);
  const faults = [
    ...plan.targets.map((_, target) => ({ nic: 1, target, outcome: TIMEOUT })),
    { nic: 0, target: 6, outcome: REFUSED },
    { nic: 2, target: 6, outcome: REFUSED },
    { nic: 2, target: 1, outcome: TIMEOUT },
  ];
  const collectors = () => [
    { name: 'dpdk', state: 'data', reason: '', lastData: NOW - 900 },
    { name: 'ipvs', state: 'absent', reason: 'the kernel module ip_vs is not loaded', lastData: Number.NaN },
    { name: 'keepalived', state: 'failed', reason: '/run/keepalived.pid: permission denied', lastData: NOW - 61_000 },
    { name: 'logqueue', state: 'off', reason: '', lastData: Number.NaN },
  ];
  const verdicts = [PATH_FAULT, RS_FAULT, NIC_FAULT];
  return fakeView({ plan, verdicts, faults, over: { history, collectors, pending: () => PENDING, ...over } });
}
