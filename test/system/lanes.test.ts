/**
 * Lanes as threads: one that dies takes nobody along; sockets that can't be bound by device; refusals by somebody else. Needs
 * root.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { BroadcastChannel } from 'node:worker_threads';
import { Lanes, type LanesOptions } from '../../src/lanes/lanes.ts';
import { CAUSES, OUTCOMES } from '../../src/model/outcome.ts';
import type { CheckProfile, Nic, Plan, Target } from '../../src/model/plan.ts';
import { monotonicMs } from '../../src/sys/clock.ts';
import { ensure } from '../../src/lab/ensure.ts';
import type { Breakage } from '../lanes/breakable.worker.ts';
import { enterOwnNetwork, loopbackServers, run, serve, until } from './harness.ts';
import { PATIENCE } from './patience.ts';

const INTERVAL = 200;
const ends: (() => unknown)[] = [];
before(() => {
  ensure(['iproute2', 'nftables']);
  enterOwnNetwork();
});
after(async () => {
  for (const end of ends.toReversed()) await end();
});

/** One result, in words. */
interface Seen {
  readonly nic: string;
  readonly target: string;
  readonly outcome: string;
  readonly cause: string;
  readonly t: number;
}

/** Lanes and all its results so far. */
class Observed {
  readonly lanes: Lanes;
  readonly seen: Seen[] = [];
  readonly log: string[] = [];
  readonly #plan: Plan;
  readonly #timer: NodeJS.Timeout;

  private constructor(plan: Plan, options: Partial<LanesOptions>) {
    this.#plan = plan;
    this.lanes = new Lanes({ clock: monotonicMs, log: (_, message) => this.log.push(message), ...options });
    this.#timer = setInterval(() => this.#collect(), 20);
    ends.push(() => {
      clearInterval(this.#timer);
      return this.lanes.stop();
    });
  }

  static async start(
    nics: readonly Partial<Nic>[],
    servers: readonly string[],
    options: Partial<LanesOptions> = {},
  ): Promise<Observed> {
    const check: CheckProfile = { type: 'tcp', interval: INTERVAL, timeout: INTERVAL, fall: 3, rise: 2 };
    const targets = servers.map((id): Target => {
      const [, ip = '', port] = /^\[?(.*?)\]?:(\d+)$/.exec(id) ?? [];
      return { id, key: id, realServer: id, address: { family: ip.includes(':') ? 6 : 4, ip, port: Number(port) }, check };
    });
    const all = nics.map((nic) => ({ group: nic.name, device: nic.name, anchors: [], onFail: [], ...nic }));
    const plan = { nics: all, targets, services: [], rules: {} } as unknown as Plan;
    const observed = new Observed(plan, options);
    await observed.lanes.apply(plan);
    return observed;
  }

  #collect(): void {
    const b = this.lanes.collect();
    for (let i = 0; i < b.count; i++) {
      this.seen.push({
        nic: this.#plan.nics[b.nic[i]!]!.name,
        target: this.#plan.targets[b.target[i]!]!.id,
        outcome: OUTCOMES[b.outcome[i]!]!,
        cause: CAUSES[b.cause[i]!]!,
        t: b.t[i]!,
      });
    }
  }

  /** Waits until every target of every NIC has given `rounds` more results; resolves with the new ones. */
  async rounds(rounds: number, limitMs = 5000): Promise<Seen[]> {
    const from = this.seen.length;
    const nics = this.#plan.nics.length * this.#plan.targets.length;
    return until(`${rounds} rounds`, limitMs, () => {
      const fresh = this.seen.slice(from);
      const counts = new Map<string, number>();
      for (const s of fresh) counts.set(`${s.nic} ${s.target}`, (counts.get(`${s.nic} ${s.target}`) ?? 0) + 1);
      return counts.size === nics && [...counts.values()].every((n) => n >= rounds) && fresh;
    });
  }
}

/** Different values, sorted. */
const distinct = (values: readonly string[]) => [...new Set(values)].toSorted();
/** The longest time a target of this NIC was without a result. */
function longestGap(seen: readonly Seen[], nic: string): number {
  const last = new Map<string, number>();
  return seen.reduce((gap, s) => {
    if (s.nic !== nic) return gap;
    const former = last.get(s.target) ?? s.t;
    last.set(s.target, s.t);
    return Math.max(gap, s.t - former);
  }, 0);
}
/** Sockets and epolls of this process. */
const descriptors = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return /^(socket|anon_inode:\[eventpoll)/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false; // the descriptor of the listing itself
    }
  }).length;

const entry = new URL('../lanes/breakable.worker.ts', import.meta.url);

function breakLane(observed: Observed, nic: string, how: 'throw' | Breakage): void {
  if (how === 'throw') {
    assert.equal(observed.lanes.lane(nic)!.crash(), true);
    return;
  }
  const channel = new BroadcastChannel(`break lane ${nic}`);
  channel.postMessage(how);
  channel.close();
}

for (const how of ['throw', 'exit', 'hang'] as const) {
  test(`a lane that ${how}s is restarted; the other has no gap, and what the dead one held is closed`, {
    timeout: 20_000 * PATIENCE,
  }, async () => {
    const { port, close } = await serve(0);
    const before = descriptors();
    // Answers nothing, ever: these probes are in flight, with a socket each, when the lane dies.
    run('nft flush ruleset');
    run('nft -f -', 'table ip f { chain i { type filter hook input priority 0; ip daddr 127.9.0.0/16 drop; }; }\n');
    const silent = Array.from({ length: 100 }, (_, i) => `127.9.0.${i + 1}:80`);
    const servers = [...loopbackServers(50, port), ...silent];
    const observed = await Observed.start(
      [
        { name: 'a', device: 'lo' },
        { name: 'b', device: 'lo' },
      ],
      servers,
      { entry },
    );
    await observed.rounds(3);
    await until('probes are in flight', 2000, () => descriptors() > before + 100);
    const died = observed.seen.length;
    breakLane(observed, 'a', how);
    await until(
      'restarted',
      8000,
      () => observed.lanes.lane('a')!.restarts === 1 && observed.lanes.lane('a')!.state === 'running',
    );
    await observed.rounds(3);
    const since = observed.seen.slice(died);
    const gap = longestGap(since, 'b');
    assert.ok(gap < 2.5 * INTERVAL, `the other lane had a gap of ${gap} ms`);
    assert.equal(observed.lanes.lane('b')!.restarts, 0);
    assert.deepEqual(distinct(since.filter((s) => s.nic === 'b').map((s) => s.outcome)), ['ok', 'timeout']);
    await observed.lanes.stop();
    await until('no descriptor left', 2000, () => descriptors() <= before);
    await close();
  });
}

const holding = new URL('../lanes/holding.worker.ts', import.meta.url);

test('a probe that holds its lane for ever, or ends it, costs the lane once: its cell is in quarantine', {
  timeout: 30_000 * PATIENCE,
}, async () => {
  const { port, close } = await serve(0);
  for (const ip of ['127.0.0.66', '127.0.0.68']) {
    const bad = `${ip}:${port}`;
    const observed = await Observed.start([{ name: 'a', device: 'lo' }], [...loopbackServers(20, port), bad], { entry: holding });
    const lane = observed.lanes.lane('a')!;
    await until('restarted', 10_000, () => lane.restarts === 1 && lane.state === 'running');
    const since = observed.seen.length;
    await observed.rounds(6);
    const fresh = observed.seen.slice(since);
    const its = fresh.filter((s) => s.target === bad);
    const others = fresh.filter((s) => s.target !== bad);
    assert.deepEqual(distinct(its.map((s) => `${s.outcome} ${s.cause}`)), ['local_error quarantined'], ip);
    assert.deepEqual(distinct(others.map((s) => s.outcome)), ['ok'], ip);
    assert.deepEqual([lane.restarts, lane.holds, lane.quarantine.count(monotonicMs())], [1, 1, 1], ip);
    assert.ok(observed.log.includes(`a check of ${bad} held its thread; it is in quarantine`), ip);
    await observed.lanes.stop();
  }
  await close();
});

test('a probe that takes much CPU puts its cell in quarantine without ending the lane', {
  timeout: 20_000 * PATIENCE,
}, async () => {
  const { port, close } = await serve(0);
  const bad = `127.0.0.67:${port}`;
  const observed = await Observed.start([{ name: 'a', device: 'lo' }], [...loopbackServers(20, port), bad], { entry: holding });
  const lane = observed.lanes.lane('a')!;
  await until('held', 5000, () => lane.holds === 1);
  const since = observed.seen.length;
  const fresh = (await observed.rounds(4)).filter((s) => s.target !== bad);
  assert.deepEqual(distinct(fresh.map((s) => s.outcome)), ['ok']);
  const its = observed.seen.slice(since).filter((s) => s.target === bad && s.outcome === 'local_error');
  assert.deepEqual(distinct(its.map((s) => s.cause)), ['quarantined']);
  assert.equal(lane.restarts, 0);
  await observed.lanes.stop();
  await close();
});

test('a lane that keeps failing is restarted after ever longer pauses', { timeout: 10_000 * PATIENCE }, async () => {
  const observed = await Observed.start([{ name: 'a', device: 'lo' }], ['127.0.0.1:1'], { entry });
  const lane = observed.lanes.lane('a')!;
  const took: number[] = [];
  for (let n = 1; n <= 4; n++) {
    const t0 = performance.now();
    breakLane(observed, 'a', 'exit');
    await until(`restart ${n}`, 5000, () => lane.restarts === n && lane.state === 'running');
    took.push(performance.now() - t0);
  }
  assert.ok(took[3]! > 800 && took[3]! > took[0]! + 400, took.join(' '));
});

test('without device binding only a verified route is probed; the others say path_unverified', {
  timeout: 15_000 * PATIENCE,
}, async () => {
  run('ip link add left type veth peer name left-peer');
  run('ip link add right type veth peer name right-peer');
  for (const [device, net] of [
    ['left', '10.91.0'],
    ['right', '10.92.0'],
  ]) {
    run(`ip address add ${net}.1/24 dev ${device}`);
    run(`ip link set ${device} up`);
    run(`ip link set ${device}-peer up`);
  }
  // The route to 10.91.0.9 leaves by `left` and is verified there; `right` would leave by the wrong device and is not tried.
  const nics = [{ name: 'left', source: '10.91.0.1' }, { name: 'right', source: '10.92.0.1' }, { name: 'nowhere' }];
  const observed = await Observed.start(nics, ['10.91.0.9:80'], { withoutDeviceBinding: true });
  await until('probed', 5000, () => observed.seen.some((s) => s.cause !== 'path_unverified'));
  const seen = await observed.rounds(2);
  const causes = (nic: string) => distinct(seen.filter((s) => s.nic === nic).map((s) => `${s.outcome} ${s.cause}`));
  assert.deepEqual(causes('left'), ['timeout deadline']);
  assert.deepEqual(causes('right'), ['local_error path_unverified']);
  assert.deepEqual(causes('nowhere'), ['local_error path_unverified']);
  assert.match(observed.lanes.lane('left')!.bindingNote, /SO_BINDTODEVICE left: EPERM; probing by source address/);
});

test('a refusal by a router is no refusal by the real server: unreachable, from the second probe on', {
  timeout: 20_000 * PATIENCE,
}, async () => {
  for (const name of ['router', 'rs']) run(`ip netns add ${name}`);
  const wire = (a: string, dev: string, b: string, net: string) => {
    run(`ip link add ${dev} type veth peer name ${dev}-far`);
    if (a !== '') run(`ip link set ${dev} netns ${a}`);
    run(`ip link set ${dev}-far netns ${b}`);
    for (const [ns, d, host] of [
      [a, dev, 1],
      [b, `${dev}-far`, 2],
    ] as const) {
      const ip = ns === '' ? 'ip' : `ip -n ${ns}`;
      run(`${ip} address add ${net}.${host}/24 dev ${d}`);
      run(`${ip} -6 address add fd9${net.at(-1)}::${host}/64 dev ${d} nodad`);
      run(`${ip} link set ${d} up`);
    }
  };
  wire('', 'wan', 'router', '10.93.1');
  wire('router', 'lan', 'rs', '10.93.2');
  run('ip route add 10.93.2.0/24 via 10.93.1.2');
  run('ip -6 route add fd92::/64 via fd91::2');
  run('ip -n rs route add default via 10.93.2.1');
  run('ip -n rs -6 route add default via fd92::1');
  run(
    'ip netns exec router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 ' +
      'net.ipv6.icmp.ratelimit=0',
  );
  const listener =
    "require('net').createServer((s) => s.on('error', () => {}))" + ".listen({port: 80, host: '::'}, () => console.log('up'))";
  const child = spawn('ip', ['netns', 'exec', 'rs', process.execPath, '-e', listener], { stdio: ['ignore', 'pipe', 'inherit'] });
  ends.push(() => child.kill());
  await new Promise((resolve) => child.stdout.once('data', resolve));

  // Nobody listens on 81: the real server itself refuses.
  const servers = ['10.93.2.2:80', '10.93.2.2:81', '[fd92::2]:80', '[fd92::2]:81'];
  const observed = await Observed.start([{ name: 'wan' }], servers);
  const outcomes = (seen: readonly Seen[]) =>
    servers.map((rs) => distinct(seen.filter((s) => s.target === rs).map((s) => s.outcome)).join());
  const sound = ['ok', 'refused', 'ok', 'refused'];
  await until('addresses are usable', 8000, () => outcomes(observed.seen.slice(-4)).join() === sound.join());
  assert.deepEqual(outcomes(await observed.rounds(3)), sound);

  // A router that answers for it, with what looks the same to connect().
  run(
    'ip netns exec router nft -f -',
    `table inet f { chain forward { type filter hook forward priority 0;
       ip daddr 10.93.2.2 reject with icmp type port-unreachable
       ip6 daddr fd92::2 reject with icmpv6 type port-unreachable
     }
   }
`,
  );
  await until('the router refuses', 3000, () => observed.seen.slice(-4).every((s) => s.outcome !== 'ok'));
  await observed.rounds(3);
  assert.deepEqual(outcomes(await observed.rounds(3)), ['unreachable', 'unreachable', 'unreachable', 'unreachable']);

  run('ip netns exec router nft flush ruleset');
  await until('it is back', 3000, () => observed.seen.slice(-8).some((s) => s.outcome === 'ok'));
  await observed.rounds(2);
  assert.deepEqual(outcomes(await observed.rounds(3)), sound);
});
