/** Routing daemons without daemons: sessions that are shut and opened in memory, and a machine that may die at any step. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../../src/act/actuator.ts';
import { makeBgp } from '../../src/act/bgp.ts';
import type { Kernel } from '../../src/act/bgp/by-route.ts';
import { Ledger } from '../../src/act/bgp/ledger.ts';
import { ledgerFiles, withUplinks } from '../../src/act/bgp/spec.ts';
import { leftBefore } from '../../src/act/left-before.ts';
import { Reconciler } from '../../src/act/reconciler.ts';
import type { ActionReport } from '../../src/act/report.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { KernelRoute } from '../../src/sys/kernel-routes.ts';
import type { Speaker, SpokenSession } from '../../src/routing/speaker.ts';
import { effectOf, planOf, UNTOUCHED, verdictOf, wantedOf } from './world.ts';

/** The kernel's routes, in memory. */
export class FakeKernel implements Kernel {
  readonly routes = new Map<string, KernelRoute>();
  /** Changes that it takes before it breaks. */
  dieAfter = Infinity;

  routesTo(prefix: string): Promise<readonly KernelRoute[]> {
    const found = this.routes.get(prefix);
    return Promise.resolve(found === undefined ? [] : [found]);
  }

  put(route: KernelRoute): Promise<void> {
    if (this.dieAfter-- <= 0) return Promise.reject(new Error('dead'));
    this.routes.set(route.prefix, route);
    return Promise.resolve();
  }

  remove({ prefix }: KernelRoute): Promise<void> {
    if (this.dieAfter-- <= 0) return Promise.reject(new Error('dead'));
    this.routes.delete(prefix);
    return Promise.resolve();
  }
}

export class Router implements Speaker {
  readonly daemon = 'bgpd';
  readonly path = '/run/frr/bgpd.vty';
  readonly all = new Map<string, SpokenSession>();
  readonly done: string[] = [];
  /** Changes that it takes before it breaks. */
  dieAfter = Infinity;
  isThere = true;
  asked = 0;

  constructor(peers: readonly string[]) {
    for (const peer of peers) this.all.set(peer, { vrf: 'default', peer, families: ['ipv4'], established: true, shut: false });
  }

  run(): Promise<string | undefined> {
    return Promise.resolve(this.isThere ? '1' : undefined);
  }

  sessions(): Promise<readonly SpokenSession[]> {
    this.asked++;
    return Promise.resolve([...this.all.values()]);
  }

  #change(what: string, peer: string, next: Partial<SpokenSession>): Promise<void> {
    if (this.dieAfter-- <= 0) return Promise.reject(new Error('dead'));
    this.done.push(`${what} ${peer}`);
    const { text: _, ...rest } = this.all.get(peer)!;
    this.all.set(peer, { ...rest, ...next });
    return Promise.resolve();
  }

  shut({ peer }: Pick<SpokenSession, 'peer'>, text?: string): Promise<void> {
    return this.#change('shut', peer, { shut: true, established: false, ...(text === undefined ? {} : { text }) });
  }

  lift({ peer }: Pick<SpokenSession, 'peer'>): Promise<void> {
    return this.#change('lift', peer, { shut: false, established: true });
  }

  graceful(on: boolean): Promise<boolean> {
    this.done.push(`graceful ${on}`);
    return Promise.resolve(true);
  }

  /** As a daemon that begins with its configuration. */
  restart(): void {
    for (const peer of this.all.keys()) void this.lift({ peer });
    this.done.length = 0;
  }

  get shutPeers(): readonly string[] {
    return [...this.all.values()].filter(({ shut }) => shut).map(({ peer }) => peer);
  }

  close(): void {
    this.done.push('closed');
  }
}

const NICS = ['eth2', 'eth3', 'eth4', 'eth5'];
export const peerOfNic = (nic: string) => `192.0.2.${nic.slice(3)}`;

/** An agent's part that acts on BGP, with four NICs, two of whose services do not matter here. */
export class BgpWorld {
  readonly dir = mkdtempSync(join(tmpdir(), 'fourlane-act-bgp-'));
  readonly router = new Router(NICS.map(peerOfNic));
  readonly plan: Plan;
  readonly kernel = new FakeKernel();
  readonly actuator = makeBgp({ open: () => [this.router], kernel: this.kernel });

  constructor() {
    this.plan = this.planFor(NICS);
  }

  /** A configuration in which these NICs act. */
  planFor(acting: readonly string[]): Plan {
    const nics = NICS.map((name) => ({ name, onFail: acting.includes(name) ? ['bgp'] : [] }));
    const uplinks = NICS.map((nic) => ({ nic, peer: peerOfNic(nic) }));
    return planOf(JSON.stringify({ stateDir: this.dir, nics, bgp: { uplinks } }));
  }

  async call(nic: string, state: 'failed' | 'ok'): Promise<Outcome> {
    const [onFail] = this.plan.nics.find(({ name }) => name === nic)!.onFail;
    const spec = withUplinks(this.plan, nic, onFail!);
    const call = { announce: false, notes: [UNTOUCHED] };
    const [outcome] = (await this.actuator.perform(spec, [effectOf({ spec, nic, state })], call)) as readonly [Outcome];
    return outcome;
  }

  /** An agent that starts now, with these NICs judged failed. */
  async agent(plan: Plan, failed: readonly string[]): Promise<{ readonly reports: readonly ActionReport[] }> {
    const reports: ActionReport[] = [];
    const reconciler = new Reconciler({ actuators: [this.actuator], clock: () => 0, onAction: (r) => reports.push(r) });
    reconciler.setPlan(plan);
    reconciler.restore(await leftBefore(plan));
    const wanted = wantedOf(plan, (w) => plan.nics.forEach(({ name }, i) => (w.nicEnabled[i] = Number(!failed.includes(name)))));
    reconciler.pass(
      wanted,
      failed.map((nic) => verdictOf({ nic })),
    );
    await reconciler.idle();
    return { reports };
  }

  async recorded(): Promise<readonly string[]> {
    const { ledger, drained } = ledgerFiles(this.plan);
    const records = [...(await Ledger.read(ledger)).records.values(), ...(await Ledger.read(drained)).records.values()];
    return records.flatMap(({ shut }) => shut.map(({ peer }) => peer));
  }

  close(): void {
    rmSync(this.dir, { recursive: true });
  }
}
