/** The kernel's interfaces, rules and routes, as `ip -j` of iproute2 lists them. */
import * as z from 'zod';
import type { Host } from '../../doctor/host.ts';
import type { Link, Network, Route, Rule } from '../network.ts';
import type { Look, Machine, Source } from '../source.ts';

const linksSchema = z.array(
  z.object({
    ifname: z.string(),
    flags: z.array(z.string()),
    operstate: z.string().nullish(),
    address: z.string().nullish(),
    // null: of a tunnel that stands on nothing.
    link: z.string().nullish(),
    master: z.string().nullish(),
    linkinfo: z
      .object({
        info_kind: z.string().nullish(),
        info_data: z.object({ mode: z.union([z.string(), z.int()]).nullish(), id: z.int().nullish() }).nullish(),
      })
      .optional(),
  }),
);
const addressesSchema = z.array(
  z.object({
    ifname: z.string(),
    addr_info: z.array(
      z
        .object({ family: z.enum(['inet', 'inet6']), local: z.string(), prefixlen: z.int(), scope: z.string() })
        .or(z.object({ local: z.undefined() })),
    ),
  }),
);
const rulesSchema = z.array(
  z.looseObject({
    priority: z.int().default(0),
    src: z.string().default('all'),
    srclen: z.int().optional(),
    dst: z.string().optional(),
    dstlen: z.int().optional(),
    oif: z.string().optional(),
    table: z.string().optional(),
    suppress_prefixlen: z.int().optional(),
  }),
);
const hop = { dev: z.string().optional(), gateway: z.string().optional(), via: z.object({ host: z.string() }).optional() };
const routesSchema = z.array(
  z.object({
    type: z.string().default('unicast'),
    dst: z.string(),
    table: z.string().default('main'),
    metric: z.int().default(0),
    ...hop,
    nexthops: z.array(z.object(hop)).optional(),
  }),
);

async function ask<S extends z.ZodType>(host: Host, argv: readonly string[], schema: S): Promise<z.output<S>> {
  const { status, output } = await host.run(['ip', '-j', ...argv]);
  const command = `ip -j ${argv.join(' ')}`;
  if (status !== 0) throw new Error(`${command} exited with ${status}: ${output.trim().split('\n').at(-1)}`);
  const parsed = schema.safeParse(output.trim() === '' ? [] : JSON.parse(output));
  if (!parsed.success) throw new Error(`${command}: ${parsed.error.issues[0]!.message}`);
  return parsed.data;
}

async function links(host: Host): Promise<readonly Link[]> {
  const known = await ask(host, ['-d', 'link', 'show'], linksSchema);
  const addresses = new Map((await ask(host, ['address', 'show'], addressesSchema)).map((each) => [each.ifname, each.addr_info]));
  return known.map(({ ifname, flags, operstate, address, link, master, linkinfo }): Link => {
    const { mode, id } = linkinfo?.info_data ?? {};
    return {
      name: ifname,
      isUp: flags.includes('UP'),
      isLoopback: flags.includes('LOOPBACK'),
      isWithoutCarrier: operstate === 'DOWN' || operstate === 'LOWERLAYERDOWN' || flags.includes('NO-CARRIER'),
      mac: address ?? '',
      kind: linkinfo?.info_kind ?? undefined,
      below: link ?? undefined,
      master: master ?? undefined,
      addresses: (addresses.get(ifname) ?? []).flatMap((each) => {
        if (each.local === undefined || !('scope' in each) || each.scope !== 'global') return [];
        return [{ family: each.family === 'inet' ? 4 : 6, ip: each.local, prefix: each.prefixlen }];
      }),
      detail: (mode ?? id)?.toString(),
    };
  });
}

/** What a rule may have that no probe has or that says nothing of its way. */
const PLAIN = new Set(['priority', 'src', 'srclen', 'dst', 'dstlen', 'oif', 'table', 'suppress_prefixlen', 'protocol', 'flags']);

const prefixed = (ip: string, length: number | undefined) => (length === undefined ? ip : `${ip}/${length}`);

async function rules(host: Host, family: 4 | 6): Promise<readonly Rule[]> {
  const known = await ask(host, [`-${family}`, 'rule', 'show'], rulesSchema);
  return known.flatMap((rule): Rule[] => {
    const { priority, src, srclen, dst = 'all', dstlen, oif, table, suppress_prefixlen: suppress } = rule;
    if (table === undefined) return [];
    const isSpecial = Object.keys(rule).some((key) => !PLAIN.has(key));
    return [{ family, priority, from: prefixed(src, srclen), to: prefixed(dst, dstlen), oif, table, suppress, isSpecial }];
  });
}

const REFUSALS = new Set(['unreachable', 'prohibit', 'blackhole']);

async function routes(host: Host, family: 4 | 6): Promise<readonly Route[]> {
  const known = await ask(host, [`-${family}`, 'route', 'show', 'table', 'all'], routesSchema);
  return known.flatMap(({ type, dst, table, metric, nexthops, ...only }): Route[] => {
    const isRefusal = REFUSALS.has(type);
    // Local and broadcast addresses lead nowhere.
    if (table === 'local' || !(isRefusal || type === 'unicast' || type === 'throw')) return [];
    const hops = (nexthops ?? [only]).flatMap(({ dev, gateway, via }) =>
      dev === undefined ? [] : [{ device: dev, gateway: gateway ?? via?.host }],
    );
    return [{ family, table, to: dst, metric, isRefusal, isThrow: type === 'throw', hops }];
  });
}

async function look({ host }: Machine): Promise<Look> {
  const found: Network = {
    links: await links(host),
    rules: [...(await rules(host, 4)), ...(await rules(host, 6))],
    routes: [...(await routes(host, 4)), ...(await routes(host, 6))],
  };
  const others = found.links.filter(({ isLoopback }) => !isLoopback);
  const text = `ip link, address, rule, route; interfaces besides lo: ${others.length}`;
  return { outcome: others.length === 0 ? 'absent' : 'found', text, facts: { network: found } };
}

export const network: Source = {
  name: 'network',
  summary: 'interfaces, bonds, VLANs, policy rules and routes of the kernel',
  look,
};
