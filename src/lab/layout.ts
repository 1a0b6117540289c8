/** What a lab consists of, wherever it runs: NICs, real servers, services and ports, as plain values. */

export interface LayoutNic {
  readonly name: string;
  /** Kernel interface, where it is not the name. */
  readonly device?: string;
  /** Source addresses by which the data plane chooses this NIC. */
  readonly sources: { readonly 4: string; readonly 6?: string };
  /** As in the agent's config. */
  readonly anchors: readonly string[];
}

export interface LayoutServer {
  readonly name: string;
  readonly rack: number;
  readonly ips: readonly string[];
}

export interface LayoutService {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly nics: readonly string[];
  readonly realServers: readonly {
    readonly name: string;
    readonly rack: number;
    /** `ip:port` as in the agent's config. */
    readonly address: string;
  }[];
}

export interface Layout {
  readonly nics: readonly LayoutNic[];
  readonly servers: readonly LayoutServer[];
  readonly services: readonly LayoutService[];
  /** Ports of every real server: HTTP (`/`, `/health`), TCP echo, UDP echo. */
  readonly ports: { readonly http: number; readonly tcp: number; readonly udp: number };
  /** Where the agent listens and where the data plane takes its webhook, on 127.0.0.1 of the load balancer. */
  readonly agentPort: number;
  /** The agent's address, where it is another. */
  readonly agentHost?: string;
  readonly webhookPort: number;
  /** Requests to a service on every NIC that come by routing: whatever hurts the service's clients may hurt them. */
  readonly routed?: { readonly stream: string; readonly service: string };
}

/** Weight of every real server in the agent's config; the webhook sends absolute weights. */
export const WEIGHT = 100;

/** 1 … n. */
export function count(size: number): number[] {
  return Array.from({ length: size }, (_, k) => k + 1);
}

/** `ip:port`, `[v6]:port`. */
export function hostPort(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** Where the agent keeps its state, and where its control socket is. */
export interface AgentPaths {
  readonly stateDir: string;
  readonly control: string;
}

/** Changes of the judge's thresholds. */
export type RuleChanges = Readonly<Record<string, number>>;

/** Services of a layout and how they are checked, with the data plane steered by webhook: what all servers of a cluster share. */
export function sharedConfig({ services, webhookPort }: Layout, rules: RuleChanges = {}): object {
  return {
    checks: { web: { type: 'http', path: '/health', interval: '1s', timeout: '500ms' } },
    services: services.map((service) => ({
      name: service.name,
      vip: `${hostPort(service.host, service.port)}/tcp`,
      nics: service.nics,
      check: 'web',
      actuator: { webhook: { url: `http://127.0.0.1:${webhookPort}/effects` } },
      realServers: service.realServers.map((server) => ({ address: server.address, weight: WEIGHT, rack: `rack${server.rack}` })),
    })),
    ...(Object.keys(rules).length === 0 ? {} : { rules }),
  };
}

/** The layout as the agent's config file: one check profile, default thresholds. */
export function agentConfig(layout: Layout, { stateDir, control }: AgentPaths, rules: RuleChanges = {}): object {
  return {
    cluster: 'lab',
    server: 'lab-lb',
    listen: `127.0.0.1:${layout.agentPort}`,
    control,
    stateDir,
    nics: layout.nics.map((nic) => ({
      name: nic.name,
      ...(nic.device === undefined ? {} : { device: nic.device, source: nic.sources[4] }),
      anchors: nic.anchors,
    })),
    ...sharedConfig(layout, rules),
  };
}
