/** The lab proper: a world of network namespaces, whose links and routers can be hurt. Needs root; installs what is missing. */
import { ensure } from './ensure.ts';
import { createNamespaces, type Namespaces } from './netns.ts';
import { labLayout, labNetwork, RACKS, uplinkCommands, uplinks } from './topology.ts';
import { count } from './layout.ts';
import { type ClientLoad, World } from './world.ts';

export class Lab extends World {
  readonly space: Namespaces;

  private constructor(space: Namespaces) {
    super(labLayout, space.dir);
    this.space = space;
  }

  /** Builds the network and starts everything but the agent. */
  static async start(load: ClientLoad = {}): Promise<Lab> {
    ensure(['iproute2', 'nftables']);
    const lab = new Lab(createNamespaces(labNetwork));
    await lab.populate(load);
    return lab;
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
    this.space.remove();
  }
}
