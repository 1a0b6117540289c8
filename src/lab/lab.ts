/** The lab proper: a world of network namespaces, whose links and routers can be hurt. Needs root; installs what is missing. */
import { ensure } from './ensure.ts';
import { createNamespaces, type Namespaces } from './netns.ts';
import { labLayout, labNetwork, RACKS, uplinkCommands, uplinks } from './topology.ts';
import { count, type RuleChanges } from './layout.ts';
import { edge, packagesOf, ROUTED_VIP, routedLayout, routedNetwork, routedStreams, startRouters } from './routed.ts';
import { edgeKeys } from './routers/balancer.ts';
import type { Sockets } from './routers/daemons.ts';
import { RouteLog } from './routers/route-log.ts';
import type { Routers } from './routers/speaker.ts';
import { type ClientLoad, World } from './world.ts';

export class Lab extends World {
  readonly space: Namespaces;
  readonly #routers: Routers | undefined;
  #sockets: Sockets | undefined;
  #routes: RouteLog | undefined;

  private constructor(space: Namespaces, routers: Routers | undefined) {
    super(routers === undefined ? labLayout : routedLayout, space.dir);
    this.space = space;
    this.#routers = routers;
  }

  /** Builds the network and starts everything but the agent. `routers`: with routing daemons, of these programs. */
  static async start(load: ClientLoad = {}, routers?: Routers): Promise<Lab> {
    ensure(['iproute2', 'nftables', ...(routers === undefined ? [] : packagesOf(routers))]);
    const lab = new Lab(createNamespaces(routers === undefined ? labNetwork : routedNetwork), routers);
    if (routers === undefined) await lab.populate(load);
    else await lab.#populateRouted(load, routers);
    return lab;
  }

  async #populateRouted(load: ClientLoad, routers: Routers): Promise<void> {
    const place = { space: this.space, spawn: (role: string, argv: readonly string[]) => this.spawn(role, argv) };
    try {
      this.#sockets = await startRouters(routers, place);
    } catch (error) {
      this.close();
      throw error;
    }
    this.#routes = new RouteLog({ ...place, role: 'spine' }, ROUTED_VIP);
    await this.populate(load, routedStreams);
  }

  override agentConfig(rules: RuleChanges = {}): object {
    const config = super.agentConfig(rules) as { nics: object[] };
    if (this.#routers === undefined) return config;
    const nics = config.nics.map((nic) => ({ ...nic, onFail: ['bgp'] }));
    return { ...config, nics, ...edgeKeys(edge), collectors: { bgp: { ...this.#sockets, interval: '1s' } } };
  }

  override unwell(): string {
    const missing = this.#routes && uplinks.find(({ tor }) => !this.#routes!.ways.includes(tor));
    return missing === undefined ? '' : `the spine has no route to ${ROUTED_VIP} by ${missing.tor}`;
  }

  override routesSince(faultAt: number, healedAt: number): readonly string[] {
    return uplinks.flatMap(({ tor }) => {
      const lost = this.#routes?.lost(tor, faultAt);
      if (lost === undefined) return [];
      const gone = Math.round(lost.goneAt - faultAt);
      const back = lost.backAt === undefined ? 'still gone' : `back ${Math.round(lost.backAt - healedAt)} ms after the repair`;
      return [`${ROUTED_VIP} by ${tor}: gone at the spine after ${gone} ms, ${back}`];
    });
  }

  /** Loads an nftables script in a namespace; `heal` flushes it. */
  nft(role: string, script: string): void {
    this.space.run(role, ['nft', '-f', '-'], script);
  }

  protected override enter(role: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.space.name(role)];
  }

  protected override healNetwork(): void {
    for (const uplink of uplinks) {
      this.space.run(uplink.tor, ['nft', 'flush', 'ruleset']);
      this.space.ip(uplink.tor, ['link set lb up']);
      this.space.ip('lb', uplinkCommands(uplink));
    }
    for (const k of count(RACKS)) this.space.run(`rack${k}`, ['nft', 'flush', 'ruleset']);
  }

  protected override remove(): void {
    this.#routes?.close();
    this.space.remove();
  }
}
