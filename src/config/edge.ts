/** Keys of the edge: the SNAT plan, BGP sessions and what is announced through them. */
import * as z from 'zod';
import { parsePrefix } from '../edge/prefix.ts';
import { type ActuatorSpec, ADDRESS_FAMILIES, type AddressFamily, SNAT_LEVELS, type Uplink } from '../model/plan.ts';
import { canonicalV6 } from '../model/address.ts';
import { nicName, prefix } from './fields.ts';
import { didYouMean, type Issue, listed } from './problem.ts';
import type { NicConfig } from './schema.ts';

/** Each is one question to the daemon in every reading. */
const MOST_PREFIXES = 256;
const MOST_CORES = 4096;

export const snatSchema = z
  .strictObject({
    pool: prefix.describe('addresses of the whole cluster'),
    servers: z.int().min(1).max(4096).describe('servers of the cluster, at most; rounded up to a power of two'),
    cores: z.int().min(1).max(MOST_CORES).describe('data-plane cores of one server; each has an address of its own'),
    server: z.int().min(0).max(4095).describe('which of the servers this one is, from 0'),
    groups: z
      .record(
        nicName,
        z
          .int()
          .min(0)
          .max(MOST_CORES - 1),
      )
      .refine((groups) => Object.keys(groups).length > 0, 'needs at least one NIC, like {eth2: 0}')
      .meta({ description: 'by name of the NIC, the group of cores that it serves, from 0', examples: [{ eth2: 0, eth3: 1 }] }),
    announce: z
      .array(z.enum(SNAT_LEVELS))
      .default([...SNAT_LEVELS])
      .describe('prefixes that this server announces: of a group by its NIC, of the server and the cluster by all'),
  })
  .superRefine(({ servers, server, cores, groups }, ctx) => {
    const issue = (path: string, message: string) => ctx.addIssue({ code: 'custom', path: [path], message });
    if (server >= servers) issue('server', `found ${server}; allowed: 0 … ${servers - 1}, since servers is ${servers}`);
    const numbers = Object.values(groups).toSorted((a, b) => a - b);
    if (numbers.some((group, i) => group !== i))
      issue('groups', `found the groups ${numbers.join(', ')}; number them 0 … ${numbers.length - 1}, one NIC each`);
    if (numbers.length > cores) issue('groups', `found ${numbers.length} groups for ${cores} cores; each needs a core`);
  });

/** An address in canonical form, or a name of an interface: how daemons name a peer. */
const peer = z
  .string()
  .refine((text) => parsePrefix(text) !== undefined || nicName.safeParse(text).success, {
    error: ({ input }) => `"${String(input)}" is neither an address nor an interface`,
  })
  .refine((text) => !text.includes('/'), {
    error: ({ input }) => `"${String(input)}": a peer has no length; remove what follows "/"`,
  })
  .transform((text) => (text.includes(':') ? canonicalV6(text) : text));

const uplink = z
  .strictObject({
    nic: nicName.describe('NIC that the session runs over'),
    peer: peer.meta({ description: 'address of the router, or the interface of an unnumbered session', examples: ['192.0.2.1'] }),
    vrf: nicName.default('default').describe('VRF of the session'),
    families: z
      .array(z.enum(ADDRESS_FAMILIES))
      .min(1)
      .optional()
      .describe('families of prefixes that it carries; default: that of the peer, of an unnumbered session both'),
    peerMaxPrefix: z.int().min(1).max(1_000_000).optional().describe('most prefixes that the router takes from this server'),
  })
  .transform(({ families, ...rest }) => ({ ...rest, families: families ?? familiesOf(rest.peer) }));

function familiesOf(text: string): readonly AddressFamily[] {
  const found = parsePrefix(text);
  return found === undefined ? ADDRESS_FAMILIES : [found.family === 4 ? 'ipv4' : 'ipv6'];
}

export const bgpSchema = z.strictObject({
  uplinks: z.array(uplink).max(64).default([]).describe('sessions with routers that get the prefixes of this server'),
  vips: z
    .array(prefix)
    .max(MOST_PREFIXES)
    .default([])
    .describe('prefixes that every uplink gets beside those of the SNAT plan, each exactly as it is announced'),
});

interface EdgeView {
  readonly nics: readonly (Pick<NicConfig, 'name' | 'onFail'> | undefined)[];
  readonly onIsolated: readonly ActuatorSpec[];
  readonly nicNames: ReadonlySet<string>;
  readonly snat?: z.output<typeof snatSchema> | undefined;
  readonly bgp?: z.output<typeof bgpSchema> | undefined;
}

/** References to NICs, and sessions that stand twice. */
export function inspectEdge({ nics, onIsolated, nicNames, snat, bgp }: EdgeView): Issue[] {
  const unknown = (name: string, path: PropertyKey[], key = false): Issue[] =>
    nicNames.has(name)
      ? []
      : [{ path, key, message: `no NIC is named "${name}"${didYouMean(name, nicNames)}; defined: ${listed(nicNames)}` }];
  const first = new Map<string, number>();
  const twice = ({ vrf, peer: name }: Pick<Uplink, 'vrf' | 'peer'>, i: number): Issue[] => {
    const key = `${vrf} ${name}`;
    const before = first.get(key);
    if (before === undefined) first.set(key, i);
    return before === undefined
      ? []
      : [{ path: ['bgp', 'uplinks', i, 'peer'], message: `${name} stands already at bgp.uplinks[${before}]; remove one` }];
  };
  return [
    ...Object.keys(snat?.groups ?? {}).flatMap((name) => unknown(name, ['snat', 'groups', name], true)),
    ...inspectActuators({ nics, onIsolated, bgp }),
    ...(bgp?.uplinks ?? []).flatMap((u, i) => [...unknown(u.nic, ['bgp', 'uplinks', i, 'nic']), ...twice(u, i)]),
  ];
}

/** The actuator bgp needs a session over its NIC, and one over another NIC that stays. */
function inspectActuators({ nics, onIsolated, bgp }: Pick<EdgeView, 'nics' | 'onIsolated' | 'bgp'>): Issue[] {
  const uplinks = bgp?.uplinks ?? [];
  const isBgp = ({ type }: ActuatorSpec) => type === 'bgp';
  const everywhere = onIsolated.flatMap((spec, i): Issue[] =>
    isBgp(spec)
      ? [{ path: ['onIsolated', i], message: 'bgp never shuts the last uplink; write exec or webhook, or onFail of a NIC' }]
      : [],
  );
  const ofNics = nics.flatMap((nic, i) =>
    (nic?.onFail ?? []).flatMap((spec, k): Issue[] => {
      if (!isBgp(spec)) return [];
      const path = ['nics', i, 'onFail', k];
      if (!uplinks.some((u) => u.nic === nic!.name))
        return [{ path, message: `bgp.uplinks has no session over ${nic!.name}: add {nic: ${nic!.name}, peer: ADDRESS}` }];
      if (!uplinks.some((u) => u.nic !== nic!.name))
        return [{ path, message: `bgp.uplinks has sessions over ${nic!.name} only, and the last uplink is never shut` }];
      return [];
    }),
  );
  return [...everywhere, ...ofNics];
}
