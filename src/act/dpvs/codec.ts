/**
 * What dpvs-agent reports about a service: the JSON of `GET /v2/vs` and `GET /v2/vs/{id}` (DPVS 1.10.2, tools/dpvs-agent/models).
 * Written in Go with `omitempty`: zeros and empty strings are absent, only `port` and `weight` of a real server never. Pure.
 */
import * as z from 'zod';
import { formatAddress, parseAddress } from '../../model/address.ts';

export interface AgentRealServer {
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
  /** Out of service by somebody's health check: another writer's, DPVS's passive one, or ours. */
  readonly inhibited: boolean;
  /** FNAT, SNAT, DR, TUNNEL or NAT. */
  readonly mode: string | undefined;
}

export interface AgentService {
  /** `10.0.0.1:80/tcp`, as the plan writes it. */
  readonly vip: string;
  /** Changes with every change of its real servers. Absent in live data, and for a service the agent has not made itself. */
  readonly version: string | undefined;
  /** By `ip:port`, as the plan writes it. */
  readonly realServers: ReadonlyMap<string, AgentRealServer>;
  /**
   * Weights, by port, of real servers shown without address: all IPv6 ones (RealServerSpec.GetAddr in DPVS knows IPv4 only).
   */
  readonly nameless: ReadonlyMap<number, readonly number[]>;
}

const port = z.int().min(0).max(65_535);
const realServer = z.object({
  Spec: z.object({
    ip: z.string().default(''),
    port,
    weight: z.int().min(0).max(65_535),
    inhibited: z.boolean().default(false),
    mode: z.string().optional(),
  }),
});
const service = z.object({
  Addr: z.string(),
  Port: port.default(0),
  Proto: z.int().default(0),
  Version: z.string().optional(),
  RSs: z.object({ Items: z.array(realServer).nullable().default([]) }).nullish(),
});
const list = z.object({ Items: z.array(z.unknown()).nullable().default([]) });

const PROTOCOLS: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp' };

/**
 * The services of an answer. Null items are left out: a SNAT service, or one whose real servers the agent could not read. So is
 * an answer of an unexpected shape; the service looked for is then missing, which is never taken for an empty one.
 * @throws Error when the body is no list at all
 */
export function parseServices(body: Buffer): AgentService[] {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    throw new Error(`the answer is not JSON: ${JSON.stringify(body.toString('latin1', 0, 40))}`);
  }
  const parsed = list.safeParse(json);
  if (!parsed.success) throw new Error(`the answer is no list of services: ${JSON.stringify(json)?.slice(0, 40)}`);
  return (parsed.data.Items ?? []).flatMap((item) => {
    const found = service.safeParse(item);
    return found.success ? [fromModel(found.data)] : [];
  });
}

function fromModel({ Addr, Port, Proto, Version, RSs }: z.output<typeof service>): AgentService {
  const realServers = new Map<string, AgentRealServer>();
  const nameless = new Map<number, readonly number[]>();
  for (const item of RSs?.Items ?? []) {
    const { ip, port: rsPort, weight, inhibited, mode } = item.Spec;
    const name = nameOf(ip, rsPort);
    if (name === undefined) nameless.set(rsPort, [...(nameless.get(rsPort) ?? []), weight]);
    else realServers.set(name, { ip, port: rsPort, weight, inhibited, mode });
  }
  const vip = `${nameOf(Addr, Port) ?? Addr}/${PROTOCOLS[Proto] ?? Proto}`;
  return { vip, version: Version, realServers, nameless };
}

function nameOf(ip: string, portNumber: number): string | undefined {
  const address = parseAddress(ip, true);
  return address === undefined || address.port !== 0 ? undefined : formatAddress({ ...address, port: portNumber });
}
