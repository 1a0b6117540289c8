/**
 * A router with FRR, and two load balancers below it, one with FRR, one with BIRD; each has many links to the router with a
 * session and BFD of its own, so that many faults can be looked at together.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { BgpSource } from '../../src/collect/bgp/source.ts';
import { CONFIGURATION, wantedOf } from '../../src/edge/configure.ts';
import { serverPlan, shapeOf, snatPlan } from '../../src/edge/snat-plan.ts';
import type { Plan } from '../../src/model/plan.ts';
import { run } from './harness.ts';

/** Links of each load balancer: e0, e1 … */
export const LINKS = 10;
const FRR_PROGRAMS = '/usr/lib/frr';
const ROUTER_AS = 65_001;
/** What the router announces in the end beyond the two prefixes of the beginning: more than BIRD's session 7 takes. */
const SURPLUS = ['198.51.100.0/22', '198.51.101.0/24', '198.51.102.0/24', '198.51.103.0/24'];

/** What the load balancers are called, and their numbers in addresses and the plan. */
export const BALANCERS = { frr: { name: 'lf', number: 1, as: 65_101 }, bird: { name: 'lb', number: 2, as: 65_102 } } as const;
export type Kind = keyof typeof BALANCERS;
export const KINDS = ['frr', 'bird'] as const;
/** Addresses of who gives them many routes. */
const FEEDER = { frr: '10.3.1.1', bird: '10.3.2.1' } as const;

const links = Array.from({ length: LINKS }, (_, i) => i);
export const nicName = (i: number) => `e${i}`;
const here = (kind: Kind, i: number) => `10.${BALANCERS[kind].number}.${i}.2`;
/** The router's address on a link. */
export const there = (kind: Kind, i: number) => `10.${BALANCERS[kind].number}.${i}.1`;

/** On `lo` of both load balancers. */
const VIPS = Array.from({ length: 8 }, (_, i) => `203.0.113.${i}/32`);

/** What a load balancer should announce: 20 prefixes, two addresses for each NIC among them. */
export function planOf(kind: Kind): Pick<Plan, 'snat' | 'bgp' | 'nics'> {
  const uplinks = links.map((i) => ({ nic: nicName(i), peer: there(kind, i), vrf: 'default', families: ['ipv4' as const] }));
  const groups = Object.fromEntries(links.map((i) => [nicName(i), i]));
  const nics = links.map((i) => ({ name: nicName(i), device: nicName(i), group: nicName(i), anchors: [], onFail: [] }));
  const snat = {
    pool: '10.64.0.0/25',
    servers: 4,
    cores: 2 * LINKS,
    server: BALANCERS[kind].number - 1,
    groups,
    announce: ['group', 'server', 'cluster'] as const,
  };
  return { snat, bgp: { uplinks, vips: VIPS }, nics };
}

/** The configuration that `fourlane plan snat --for …` prints. */
function printed(kind: Kind): string {
  const plan = planOf(kind);
  const own = serverPlan(snatPlan(shapeOf(plan.snat!)), plan.snat!.server);
  return CONFIGURATION[kind](wantedOf(plan, own, String(BALANCERS[kind].as)));
}

function frrConfig(): string {
  const neighbors = links.flatMap((i) => {
    const name = ` neighbor ${there('frr', i)}`;
    return [`${name} remote-as ${ROUTER_AS}`, `${name} bfd`, `${name} timers 1 3`, `${name} timers connect 1`];
  });
  const feeder = [` neighbor ${FEEDER.frr} remote-as 65003`, ` neighbor ${FEEDER.frr} passive`];
  const fed = [
    'ip prefix-list nothing deny any',
    'route-map not-to-kernel deny 1',
    'exit',
    'ip protocol bgp route-map not-to-kernel',
  ];
  const head = [
    ...fed,
    'router bgp 65101',
    ' bgp router-id 10.255.0.1',
    ' no bgp ebgp-requires-policy',
    ' no bgp default ipv4-unicast',
  ];
  const only = [' address-family ipv4', `  neighbor ${FEEDER.frr} activate`, `  neighbor ${FEEDER.frr} prefix-list nothing out`];
  return [...head, ...neighbors, ...feeder, ...only, ' exit-address-family', 'exit', printed('frr')].join('\n');
}

const TIMERS = 'hold time 3; keepalive time 1; connect retry time 1; connect delay time 1; error wait time 1,2;';

/** `leaks`: the filter of the last link lets everything out, and its own prefix is not originated. */
export function birdConfig({ leaks = false } = {}): string {
  const last = LINKS - 1;
  const filter = (i: number) => (leaks && i === last ? 'all' : `filter fourlane_${there('bird', i).replaceAll('.', '_')}_ipv4`);
  const limit = (i: number) => (i === 7 ? ' import limit 5 action disable;' : '');
  // Where it waits to be called, the reason that the router gave is not replaced by that of a refused connection.
  const delay = (i: number) => (i === 4 ? ' connect delay time 120;' : '');
  const sessions = links.map(
    (i) =>
      `protocol bgp up_e${i} from UP { neighbor ${there('bird', i)} as ${ROUTER_AS};${delay(i)} ` +
      `ipv4 { import all; export ${filter(i)};${limit(i)} }; }`,
  );
  const plan = printed('bird');
  return [
    'router id 10.255.0.2;',
    'protocol device { scan time 1; }',
    'protocol direct { ipv4; interface "lo"; }',
    'protocol bfd { interface "e*" { min rx interval 300 ms; min tx interval 300 ms; multiplier 3; }; }',
    `template bgp UP { local as 65102; bfd on; ${TIMERS} }`,
    leaks ? plan.replace(`  route ${groupPrefix('bird', last)} blackhole;\n`, '') : plan,
    ...sessions,
    `protocol bgp feed { passive; local as 65102; neighbor ${FEEDER.bird} as 65003; ipv4 { import all; export none; }; }`,
  ].join('\n');
}

/** The prefix of a NIC's group. */
export function groupPrefix(kind: Kind, i: number): string {
  const plan = planOf(kind);
  const { groups } = serverPlan(snatPlan(shapeOf(plan.snat!)), plan.snat!.server);
  const { base, length } = groups[i]!.prefix;
  return `${[24n, 16n, 8n, 0n].map((shift) => (base >> shift) & 255n).join('.')}/${length}`;
}

function routerConfig(): string {
  const neighbors = KINDS.flatMap((kind) =>
    links.flatMap((i) => {
      const name = ` neighbor ${here(kind, i)}`;
      const options = ['bfd', 'timers 1 3', 'timers connect 1', ...(i === 4 ? [] : ['passive'])];
      return [`${name} remote-as ${BALANCERS[kind].as}`, ...options.map((option) => `${name} ${option}`)];
    }),
  );
  const own = KINDS.flatMap((kind) => links.map((i) => `  neighbor ${here(kind, i)} prefix-list own out`));
  const networks = ['0.0.0.0/0', '198.51.100.0/24'].map((prefix) => `  network ${prefix}`);
  return [
    'ip prefix-list own permit 0.0.0.0/0',
    'ip prefix-list own permit 198.51.100.0/22 le 24',
    `router bgp ${ROUTER_AS}`,
    ' bgp router-id 10.255.1.1',
    ' no bgp ebgp-requires-policy',
    ' no bgp network import-check',
    ...neighbors,
    ' address-family ipv4 unicast',
    ...networks,
    ...own,
    ' exit-address-family',
    'exit',
  ].join('\n');
}

function idOf(what: 'user' | 'group'): number {
  const file = readFileSync(what === 'user' ? '/etc/passwd' : '/etc/group', 'utf8');
  return Number(/^frr:[^:]*:(\d+):/m.exec(file)![1]);
}

/** Where FRR of this namespace has its sockets. */
export const frrFolder = (name: string) => `/run/frr/${name}`;
export const BIRD_SOCKET = '/run/bird.ctl';
const BIRD_FILE = '/run/bird.conf';

function startFrr(name: string, config: string): void {
  const folder = frrFolder(name);
  mkdirSync(folder, { recursive: true });
  for (const path of ['/run/frr', folder]) {
    chownSync(path, idOf('user'), idOf('group'));
    chmodSync(path, 0o755);
  }
  writeFileSync(`${folder}/all.conf`, `${config}\n`);
  runFrr(name, ['zebra', 'staticd', 'bfdd', 'bgpd']);
}

/** Starts programs of FRR and gives them their configuration. */
export function runFrr(name: string, programs: readonly string[]): void {
  const folder = frrFolder(name);
  for (const program of programs) {
    const options = `-d -N ${name} -f /dev/null -i ${folder}/${program}.pid -A 127.0.0.1`;
    run(`ip netns exec ${name} ${FRR_PROGRAMS}/${program} ${options}`);
  }
  run(`vtysh -N ${name} -f ${folder}/all.conf`);
}

/** Runs commands in the configuration mode of FRR of a namespace. */
export function configure(name: string, ...commands: readonly string[]): void {
  const argv = ['-N', name, ...['configure terminal', ...commands].flatMap((command) => ['-c', command])];
  const done = spawnSync('vtysh', argv, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`vtysh ${argv.join(' ')}: ${done.stdout}${done.stderr}`);
}

/** Gives BIRD another configuration. */
export function reconfigureBird(config: string): void {
  writeFileSync(BIRD_FILE, config);
  run(`birdc -s ${BIRD_SOCKET} configure`);
}

/** The process of a daemon of a load balancer. */
export function pidOf(kind: Kind): number {
  const file = kind === 'frr' ? `${frrFolder('lf')}/bgpd.pid` : '/run/bird.pid';
  return Number(readFileSync(file, 'utf8'));
}

/** CPU time of a process of one thread so far: ms. */
export function cpuMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

/** Builds links and starts every daemon. In a network of one's own; needs root. */
export function build(): void {
  process.once('exit', stop);
  const names = ['tor', ...Object.values(BALANCERS).map(({ name }) => name)];
  for (const name of names) run(`ip netns add ${name}`);
  const commands = KINDS.flatMap((kind) => {
    const { name, number } = BALANCERS[kind];
    return links.map((i) => `link add ${nicName(i)} netns ${name} type veth peer name p${number}-${i} netns tor`);
  });
  run('ip -batch -', commands.join('\n'));
  for (const kind of KINDS) {
    const { name, number } = BALANCERS[kind];
    const mine = links.flatMap((i) => [`address add ${here(kind, i)}/30 dev ${nicName(i)}`, `link set ${nicName(i)} up`]);
    const far = links.flatMap((i) => [`address add ${there(kind, i)}/30 dev p${number}-${i}`, `link set p${number}-${i} up`]);
    run(`ip -n ${name} -batch -`, ['link set lo up', ...VIPS.map((vip) => `address add ${vip} dev lo`), ...mine].join('\n'));
    run('ip -n tor -batch -', ['link set lo up', ...far].join('\n'));
  }
  startFrr('tor', routerConfig());
  startFrr('lf', frrConfig());
  writeFileSync(BIRD_FILE, birdConfig());
  runBird();
}

/** Starts BIRD with its configuration. */
export function runBird(): void {
  run(`ip netns exec lb bird -c ${BIRD_FILE} -s ${BIRD_SOCKET} -P /run/bird.pid`);
}

/** Every link of both load balancers but the first gets a fault of its own. */
export function breakLinks(): void {
  for (const kind of KINDS) run(`ip -n tor link set p${BALANCERS[kind].number}-1 down`);
  const drops = Object.values(BALANCERS).flatMap(({ number }) => [
    `iifname "p${number}-2" udp dport 3784 drop`,
    `iifname "p${number}-3" tcp dport 179 drop`,
    `iifname "p${number}-3" tcp sport 179 drop`,
  ]);
  run(
    'ip netns exec tor nft -f -',
    `table inet faults { chain in { type filter hook input priority 0;\n${drops.join('\n')}\n}\n}\n`,
  );
  const both = (i: number, command: string) => KINDS.map((kind) => `neighbor ${here(kind, i)} ${command}`);
  configure(
    'tor',
    'router bgp 65001',
    ...both(4, 'shutdown message ToR maintenance 4711'),
    ...both(8, 'remote-as 65999'),
    'address-family ipv4 unicast',
    ...both(6, 'maximum-prefix 1'),
    ...SURPLUS.map((prefix) => `network ${prefix}`),
  );
  const last = LINKS - 1;
  configure(
    'lf',
    'router bgp 65101',
    `neighbor ${there('frr', 5)} shutdown message fourlane test`,
    'address-family ipv4 unicast',
    `neighbor ${there('frr', 7)} maximum-prefix 1`,
    `no neighbor ${there('frr', last)} prefix-list FOURLANE-${there('frr', last).replaceAll('.', '_')}-ipv4 out`,
    `no network ${groupPrefix('frr', last)}`,
  );
  // A protocol that was disabled by hand is enabled by another configuration.
  reconfigureBird(birdConfig({ leaks: true }));
  run(`birdc -s ${BIRD_SOCKET} disable up_e5`);
}

/**
 * Gives both load balancers this many routes from a BIRD of its own, for as long as they are to have them. Each gets another
 * session for it, over no NIC of the plan.
 */
export function feed(routes: number): void {
  const lines = Array.from({ length: routes }, (_, i) => `route ${20 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24 blackhole;`);
  const sessions = KINDS.map((kind) => {
    const local = FEEDER[kind];
    const far = local.replace(/1$/, '2');
    const ends = `local ${local} as 65003; neighbor ${far} as ${BALANCERS[kind].as};`;
    return `protocol bgp to_${kind} { ${ends} ipv4 { import none; export all; }; }`;
  });
  const config = ['router id 10.255.3.1;', 'protocol device {}', `protocol static { ipv4; ${lines.join('\n')} }`, ...sessions];
  writeFileSync('/run/feeder.conf', config.join('\n'));
  if (existsSync('/run/feeder.pid')) {
    run('birdc -s /run/feeder.ctl configure');
    return;
  }
  run('ip netns add feeder');
  for (const kind of KINDS) {
    const { name, number } = BALANCERS[kind];
    run(`ip link add f0 netns ${name} type veth peer name p${number} netns feeder`);
    run(`ip -n ${name} address add ${FEEDER[kind].replace(/1$/, '2')}/30 dev f0`);
    run(`ip -n feeder address add ${FEEDER[kind]}/30 dev p${number}`);
    run(`ip -n ${name} link set f0 up`);
    run(`ip -n feeder link set p${number} up`);
  }
  run('ip netns exec feeder bird -c /run/feeder.conf -s /run/feeder.ctl -P /run/feeder.pid');
}

/** The collector's source with the plan of one load balancer, reading these daemons. */
export function sourceFor(kind: Kind, read: readonly Kind[] = [kind]): BgpSource {
  const edge = planOf(kind);
  const context = { clock: () => performance.now(), log: () => undefined, nics: () => edge.nics, edge: () => edge };
  const sockets = { frr: read.includes('frr') && frrFolder('lf'), bird: read.includes('bird') && BIRD_SOCKET };
  return new BgpSource({ ...sockets, leakEvery: 60_000, maxTable: 10_000 }, { context, networks: () => [] });
}

/** Ends every daemon. */
export function stop(): void {
  for (const file of globSync(['/run/frr/*/*.pid', '/run/*.pid'])) {
    const pid = Number(readFileSync(file, 'utf8'));
    if (pid <= 1) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}
