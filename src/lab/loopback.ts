/**
 * The lab without root: three lanes that share the loopback interface, told apart by source address only. It shows probing,
 * attribution of real-server faults, actions and metrics; it cannot show a NIC failing, since there is one interface, and it
 * never fails.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { count, hostPort, type Layout } from './layout.ts';
import { type ClientLoad, World } from './world.ts';

/** Addresses in 127/8 and ports from `base` on, so that it is in nobody's way. */
export function loopbackLayout(base: number): Layout {
  const ports = { http: base, tcp: base + 1, udp: base + 2 };
  const nics = count(3).map((i) => ({
    name: `lo${i}`,
    device: 'lo',
    sources: { 4: `127.0.0.${10 + i}` },
    anchors: [`tcp://127.0.1.11:${ports.tcp}`],
  }));
  const servers = count(12).map((k) => {
    const rack = Math.ceil(k / 4);
    return { name: `rs${k}`, rack, ips: [`127.0.${rack}.${11 + ((k - 1) % 4)}`] };
  });
  const service = (name: string, number: number, own: typeof servers, on: typeof nics) => ({
    name,
    host: `127.0.10.${number}`,
    port: base + 3,
    nics: on.map((i) => i.name),
    realServers: own.map((server) => ({ name: server.name, rack: server.rack, address: hostPort(server.ips[0]!, ports.http) })),
  });
  return {
    nics,
    servers,
    services: [
      ...count(3).map((i) =>
        service(
          `web${i}`,
          i,
          servers.filter((server) => server.rack === i),
          [nics[i - 1]!],
        ),
      ),
      service('all', 9, servers, nics),
    ],
    ports,
    agentPort: base + 4,
    webhookPort: base + 5,
  };
}

export class Loopback extends World {
  static async start(load: ClientLoad = {}): Promise<Loopback> {
    // Ports by pid: two of these may run side by side.
    const world = new Loopback(loopbackLayout(21_000 + (process.pid % 1000) * 10), mkdtempSync(join(tmpdir(), 'fourlane-demo-')));
    process.once('exit', () => world.close());
    await world.populate(load);
    return world;
  }

  protected override enter(): readonly string[] {
    return [];
  }

  protected override healNetwork(): void {
    // Nothing of the network can be hurt here.
  }

  protected override remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
