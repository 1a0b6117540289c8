/** A cluster in the middle of an incident, as `/api/v1/cluster` has it. */
import type { FleetStatus, ServerStatus } from '../../src/model/cluster-status.ts';
import type { FleetAnswer } from '../../src/report/view.ts';

const ROOT = { 41: '9f3c1b7744aa', 42: 'c07d52e1f6b0' } as const;
export const FLEET_AT = Date.parse('2026-11-28T12:34:56Z');

const base = (name: string, ring: string, rack: string): ServerStatus => ({
  server: name,
  ring,
  site: 'fra1',
  rack,
  presence: 'there',
  ready: true,
  counts: 'done',
  state: 'applied',
  text: 'runs release 41',
  running: ROOT[41],
  release: 41,
  version: '0.1.0',
  prepared: null,
  plan: null,
  bad: 0,
  cannotTell: null,
});

/** One of each state: applied, failed, held by a maintenance, lost, drifting, no witness. */
export function fakeFleet(over: Partial<FleetStatus> = {}): FleetStatus {
  const lost = { presence: 'absent', counts: 'absent', text: 'no sign of it for 73 s', ready: false, version: null } as const;
  const held = { counts: 'excused', state: 'held', text: 'in maintenance by ada@ops until 14:00: new disks' } as const;
  const refused = 'refused: release 42 removes 2 of 12 VIPs (16.7 %); allowed: 10 %';
  return {
    cluster: 'edge-1',
    rings: [
      {
        ring: 'canary',
        release: 42,
        root: `${ROOT[42]}${'0'.repeat(52)}`,
        preparing: null,
        outcome: 'failed',
        text: 'applied by 1 of 2; 1 failed: lb-02',
      },
      {
        ring: 'rest',
        release: 41,
        root: `${ROOT[41]}${'0'.repeat(52)}`,
        preparing: 42,
        outcome: 'absent',
        text: 'applied by 2 of 4; 1 absent: lb-05; 1 excused: lb-06',
      },
    ],
    servers: [
      { ...base('lb-01', 'canary', 'r1'), text: 'runs release 42', running: ROOT[42], release: 42, bad: 2 },
      { ...base('lb-02', 'canary', 'r2'), counts: 'failed', state: 'refused', text: refused, bad: 1 },
      { ...base('lb-03', 'rest', 'r3'), bad: 1 },
      { ...base('lb-04', 'rest', 'r4'), bad: null, cannotTell: 'frozen' },
      { ...base('lb-05', 'rest', 'r5'), ...lost, bad: null, cannotTell: 'dead' },
      { ...base('lb-06', 'rest', 'r6'), ...held },
    ],
    rollouts: [
      { n: 3, release: 42, state: 'halted', text: 'ring canary (1 of 2); lb-02 of ring canary: refused' },
      { n: 2, release: 41, state: 'done', text: '' },
    ],
    budgets: [
      {
        budget: 'server',
        scope: 'cluster',
        used: ['lb-05', 'lb-06'],
        max: 3,
        holders: [{ server: 'lb-04', subjects: ['server'], why: 'AGENT_ILL' }],
      },
      { budget: 'nic', scope: 'rack', used: [], max: 1, holders: [] },
    ],
    drifts: [{ server: 'lb-03', question: 'data_plane', text: '2 differ from the plan, such as ipvs: web 10.1.1.12:8080' }],
    maintenance: ['lb-06: in maintenance by ada@ops until 14:00: new disks'],
    poison: [{ root: '77aa00bb11cc', why: 'the agent ended unexpectedly 2 times while it ran release 40' }],
    problems: [],
    down: [
      { realServer: '10.1.2.13:8080', by: ['lb-01', 'lb-02', 'lb-03'], witnesses: 3 },
      { realServer: '10.1.1.12:8080', by: ['lb-01'], witnesses: 3 },
    ],
    more: {},
    ...over,
  };
}

export function fleetAnswer(status: FleetStatus | undefined = fakeFleet(), error = ''): FleetAnswer {
  return {
    number: 1,
    status: status === undefined ? '' : JSON.stringify(status),
    at: status === undefined ? 0 : FLEET_AT,
    error,
  };
}
