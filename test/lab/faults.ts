/** The faults the lab can play: how each is made, and what the agent must say and do, by when. docs/lab.md lists them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent, Transition } from './agent.ts';
import type { Lab } from './lab.ts';
import type { Change } from './switchboard.ts';
import { addressOf, realServers, services, uplinks } from './topology.ts';

/** A verdict that must come. */
export interface WantedVerdict {
  readonly subject: Transition['subject'];
  readonly verdict: string;
  readonly nic?: string;
  readonly rs?: string;
  readonly causes?: readonly string[];
  /** ms after the fault. */
  readonly withinMs: number;
}

/** A change of the data plane that must come. */
export type WantedChange = Pick<Change, 'kind' | 'service' | 'nic' | 'rs'>;

export interface Fault {
  /** Word on the command line. */
  readonly name: string;
  readonly title: string;
  apply(lab: Lab, agent: Agent): void | Promise<void>;
  readonly verdicts: readonly WantedVerdict[];
  /** Other verdicts that are right, or at least not wrong; SUSPECT and OK always are. */
  tolerates?(t: Transition): boolean;
  readonly actions: readonly WantedChange[];
  readonly actionsWithinMs: number;
  /** Changes that are allowed besides `actions`. */
  permits?(c: Change): boolean;
  /** Services whose clients may fail while the fault lasts. */
  readonly hurts: readonly string[];
  /** NICs whose slices may fail connections. */
  readonly hurtNics: readonly string[];
  /** Whether clients of the service on all NICs are unharmed once the actions are taken. */
  readonly cured: boolean;
  /** Anything else that must be so after the fault; returns what is wrong. */
  check?(agent: Agent): Promise<string | undefined>;
  /** How long to go on watching for wrong actions once everything wanted has come. */
  readonly watchMs?: number;
}

const NICS = uplinks.map((u) => u.nic);
const NAMES = services.map((s) => s.name);
const servicesOn = (nic: string) => services.filter((s) => s.nics.includes(nic)).map((s) => s.name);
const servicesOf = (rs: string) => services.filter((s) => s.realServers.includes(rs)).map((s) => s.name);
const rsOf = (name: string) => realServers.find((r) => r.name === name)!;
/** The addresses under which the agent probes a real server. */
const idsOf = (name: string) => [...new Set(services.filter((s) => s.realServers.includes(name)).map((s) => addressOf(s, name)))];
const torOf = (nic: string) => uplinks.find((u) => u.nic === nic)!.tor;

const sliceOff = (nic: string): WantedChange[] => servicesOn(nic).map((service) => ({ kind: 'slice', service, nic }));
const rsOff = (name: string): WantedChange[] =>
  services
    .filter((s) => s.realServers.includes(name))
    .map((s) => ({ kind: 'realServer', service: s.name, rs: addressOf(s, name) }));
const pathOff = (nic: string, name: string): WantedChange[] =>
  services
    .filter((s) => s.nics.includes(nic) && s.realServers.includes(name))
    .map((s) => ({ kind: 'path', service: s.name, nic, rs: addressOf(s, name) }));

const nicFail = (nic: string, cause: string, withinMs: number): WantedVerdict => ({
  subject: 'nic',
  nic,
  verdict: 'NIC_FAIL',
  causes: [cause],
  withinMs,
});
const rsDown = (name: string, cause: string, withinMs: number): WantedVerdict[] =>
  idsOf(name).map((rs) => ({ subject: 'rs', rs, verdict: 'RS_DOWN', causes: [cause], withinMs }));
const path = (nic: string, name: string, withinMs: number): WantedVerdict[] =>
  idsOf(name).map((rs) => ({ subject: 'path', nic, rs, verdict: 'PATH', withinMs }));

/** An nftables script with one chain. */
const chain = (hook: string, rules: readonly string[]) =>
  `table inet lab {\n chain c {\n  type filter hook ${hook} priority 0;\n  ${rules.join('\n  ')}\n }\n}\n`;
/** Everything that comes in from the load balancer is lost: the gateway no longer answers, not even ARP, but the carrier stays. */
const deaf = (match = '') =>
  `table netdev lab {\n chain c {\n  type filter hook ingress device "lb" priority 0;\n  ${match}drop\n }\n}\n`;
const lose = (name: string, hook: 'input' | 'forward') => {
  const { ip, ip6 } = rsOf(name);
  return chain(hook, [`ip daddr ${ip} drop`, `ip6 daddr ${ip6} drop`]);
};
const loseAll = (names: readonly string[], hook: 'input' | 'forward') =>
  chain(
    hook,
    names.flatMap((n) => [`ip daddr ${rsOf(n).ip} drop`, `ip6 daddr ${rsOf(n).ip6} drop`]),
  );

const nothing = { verdicts: [], actions: [], actionsWithinMs: 0, hurts: [], hurtNics: [], cured: true } as const;

/** In the order of the matrix. Bounds: simulated times of the rules + 0.5 s; the targets of docs/performance.md for carrier and refusal. */
export const faults: readonly Fault[] = [
  {
    ...nothing,
    name: 'link-cut',
    title: 'carrier lost',
    apply: (lab) => lab.space.ip('tor1', ['link set lb down']),
    verdicts: [nicFail('eth1', 'carrier', 100)],
    actions: sliceOff('eth1'),
    actionsWithinMs: 100,
    hurts: servicesOn('eth1'),
    hurtNics: ['eth1'],
  },
  {
    ...nothing,
    name: 'admin-down',
    title: 'administratively down',
    apply: (lab) => lab.space.ip('lb', ['link set eth3 down']),
    verdicts: [nicFail('eth3', 'carrier', 100)],
    actions: sliceOff('eth3'),
    actionsWithinMs: 100,
    hurts: servicesOn('eth3'),
    hurtNics: ['eth3'],
  },
  {
    ...nothing,
    name: 'upstream-drop',
    title: 'upstream dropped, gateway answers',
    apply: (lab) => lab.nft('tor2', chain('forward', ['iifname "lb" drop'])),
    verdicts: [nicFail('eth2', 'upstream', 4200)],
    actions: sliceOff('eth2'),
    actionsWithinMs: 4300,
    hurts: servicesOn('eth2'),
    hurtNics: ['eth2'],
  },
  {
    ...nothing,
    name: 'gateway-dead',
    title: 'gateway and upstream dead, carrier up',
    apply: (lab) => lab.nft('tor3', deaf()),
    verdicts: [nicFail('eth3', 'link', 4200)],
    actions: sliceOff('eth3'),
    actionsWithinMs: 4300,
    hurts: servicesOn('eth3'),
    hurtNics: ['eth3'],
  },
  {
    ...nothing,
    name: 'rs-refuse',
    title: 'real server refuses',
    apply: (lab) => lab.set({ rs: 'rs1', refuse: true }),
    verdicts: rsDown('rs1', 'refused', 3050),
    actions: rsOff('rs1'),
    actionsWithinMs: 3050,
    hurts: servicesOf('rs1'),
    hurtNics: NICS,
  },
  {
    ...nothing,
    name: 'rs-blackhole',
    title: 'real server blackholed',
    apply: (lab) => lab.nft('rack3', lose('rs9', 'input')),
    verdicts: rsDown('rs9', 'unreachable', 4100),
    actions: rsOff('rs9'),
    actionsWithinMs: 4200,
    hurts: servicesOf('rs9'),
    hurtNics: NICS,
  },
  {
    ...nothing,
    name: 'rs-one-nic',
    title: 'real server dead on one NIC only',
    apply: (lab) => lab.nft('tor1', lose('rs2', 'forward')),
    verdicts: path('eth1', 'rs2', 4100),
    actions: pathOff('eth1', 'rs2'),
    actionsWithinMs: 4200,
    hurts: servicesOn('eth1'),
    hurtNics: ['eth1'],
  },
  {
    ...nothing,
    name: 'quarter-one-nic',
    title: '25 % of the real servers dead on one NIC',
    apply: (lab) => lab.nft('tor1', loseAll(['rs1', 'rs5', 'rs9'], 'forward')),
    verdicts: [
      ...['rs1', 'rs5', 'rs9'].flatMap((n) => path('eth1', n, 3500)),
      { subject: 'nic', nic: 'eth1', verdict: 'NIC_PARTIAL', withinMs: 6500 },
    ],
    actions: ['rs1', 'rs5', 'rs9'].flatMap((n) => pathOff('eth1', n)),
    actionsWithinMs: 3600,
    hurts: servicesOn('eth1'),
    hurtNics: ['eth1'],
  },
  {
    ...nothing,
    name: 'nic-loss',
    title: '30 % random loss on one NIC',
    apply: (lab) => lab.nft('tor2', deaf('numgen random mod 100 < 30 ')),
    verdicts: [{ subject: 'nic', nic: 'eth2', verdict: 'NIC_PARTIAL', causes: ['lossy'], withinMs: 6000 }],
    // Loss hurts this NIC's slices until it is repaired; paths removed before the loss has its name are not wrong.
    tolerates: (t) => t.subject === 'path' && t.nic === 'eth2',
    permits: (c) => c.kind === 'path' && c.nic === 'eth2',
    hurts: servicesOn('eth2'),
    hurtNics: ['eth2'],
    cured: false,
  },
  {
    ...nothing,
    name: 'nic-and-rs',
    title: 'NIC and real server failing together',
    apply: (lab) => {
      lab.nft('tor1', deaf());
      lab.nft('rack2', lose('rs6', 'input'));
    },
    verdicts: [nicFail('eth1', 'link', 4300), ...rsDown('rs6', 'unreachable', 4100)],
    actions: [...sliceOff('eth1'), ...rsOff('rs6')],
    actionsWithinMs: 4400,
    hurts: [...new Set([...servicesOn('eth1'), ...servicesOf('rs6')])],
    hurtNics: NICS,
  },
  {
    ...nothing,
    name: 'health-500',
    title: 'every /health turned to 500',
    apply: (lab) => lab.set(...realServers.map((r) => ({ rs: r.name, health: 500 }))),
    verdicts: [{ subject: 'agent', verdict: 'ALL_RS_DOWN', withinMs: 4100 }],
  },
  {
    ...nothing,
    name: 'all-rs-dead',
    title: 'all real servers dead',
    apply: (lab) => {
      for (const rack of ['rack1', 'rack2', 'rack3'])
        lab.nft(rack, chain('input', ['iifname "eth0" meta l4proto { tcp, udp } drop']));
    },
    verdicts: [{ subject: 'agent', verdict: 'ALL_RS_DOWN', withinMs: 4100 }],
    hurts: NAMES,
    hurtNics: NICS,
    cured: false,
  },
  {
    ...nothing,
    name: 'isolated',
    title: 'agent isolated',
    apply: (lab) => {
      for (const nic of NICS) lab.nft(torOf(nic), deaf());
    },
    verdicts: [{ subject: 'agent', verdict: 'AGENT_ISOLATED', withinMs: 4100 }],
    hurts: NAMES,
    hurtNics: NICS,
    cured: false,
  },
  {
    ...nothing,
    name: 'agent-stop',
    title: 'agent stopped (SIGSTOP) for 6 s',
    apply: async (_lab, agent) => {
      agent.signal('SIGSTOP');
      await sleep(6000);
      agent.signal('SIGCONT');
    },
    verdicts: [],
    tolerates: (t) => t.verdict === 'AGENT_STALLED',
    watchMs: 4000,
  },
  {
    ...nothing,
    name: 'lane-crash',
    title: "one lane's thread crashed",
    apply: (_lab, agent) => agent.crashLane('eth2'),
    verdicts: [],
    tolerates: (t) => t.subject === 'nic' && t.nic === 'eth2' && t.verdict === 'SUSPECT',
    check: (agent) => agent.laneRestarted('eth2'),
    watchMs: 5000,
  },
  {
    ...nothing,
    name: 'link-flap',
    title: 'flapping carrier',
    apply: async (lab) => {
      for (let k = 0; k < 5; k++) {
        lab.space.ip('tor1', ['link set lb down']);
        await sleep(400);
        lab.space.ip('tor1', ['link set lb up']);
        await sleep(600);
      }
    },
    verdicts: [nicFail('eth1', 'carrier', 100)],
    tolerates: (t) => t.subject === 'nic' && t.nic === 'eth1' && t.verdict === 'FLAPPING',
    actions: sliceOff('eth1'),
    actionsWithinMs: 100,
    hurts: servicesOn('eth1'),
    hurtNics: ['eth1'],
  },
];
