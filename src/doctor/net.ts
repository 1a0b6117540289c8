/** Addresses, routes and rules, as `ip -j` of iproute2 lists them. */
import { BlockList } from 'node:net';
import * as z from 'zod';
import type { Host } from './host.ts';

const addressesSchema = z.array(
  z.object({
    ifname: z.string(),
    flags: z.array(z.string()),
    addr_info: z.array(
      z.object({ family: z.enum(['inet', 'inet6']), local: z.string(), prefixlen: z.int(), scope: z.string() }).or(z.object({})),
    ),
  }),
);
const routesSchema = z.array(
  z.object({ dst: z.string(), dev: z.string().optional(), gateway: z.string().optional(), type: z.string().optional() }),
);
const rulesSchema = z.array(z.object({ src: z.string(), table: z.string().optional(), oif: z.string().optional() }));

export type Family = 4 | 6;

export interface DeviceAddress {
  readonly device: string;
  /** Of the device: LOOPBACK, NOARP, UP … */
  readonly flags: readonly string[];
  readonly family: Family;
  readonly ip: string;
  readonly prefix: number;
  readonly scope: string;
}

export type Route = z.output<typeof routesSchema>[number];
export type Rule = z.output<typeof rulesSchema>[number];

/** @returns undefined when the command refuses, such as "No route to host" */
async function ask<S extends z.ZodType>(host: Host, argv: readonly string[], schema: S): Promise<z.output<S> | undefined> {
  const { status, output } = await host.run(['ip', '-j', ...argv]);
  if (status !== 0) return undefined;
  const parsed = schema.safeParse(output.trim() === '' ? [] : JSON.parse(output));
  if (!parsed.success) throw new Error(`ip -j ${argv.join(' ')}: ${parsed.error.issues[0]!.message}`);
  return parsed.data;
}

/** Every address of every device. */
export async function addresses(host: Host): Promise<readonly DeviceAddress[]> {
  const devices = (await ask(host, ['address', 'show'], addressesSchema)) ?? [];
  return devices.flatMap(({ ifname, flags, addr_info }) =>
    addr_info.flatMap((address): DeviceAddress[] => {
      if (!('local' in address)) return [];
      const { family, local: ip, prefixlen: prefix, scope } = address;
      return [{ device: ifname, flags, family: family === 'inet' ? 4 : 6, ip, prefix, scope }];
    }),
  );
}

/**
 * The route to `to`; undefined when there is none. With `device`, one that is in a table: the kernel would otherwise take a
 * target that no route leads to as a neighbour on that link.
 */
export async function route(host: Host, family: Family, to: string, { from, device }: { from?: string; device?: string }) {
  const by = [...(from === undefined ? [] : ['from', from]), ...(device === undefined ? [] : ['oif', device])];
  const argv = [`-${family}`, 'route', 'get', ...(device === undefined ? [] : ['fibmatch']), to, ...by];
  const found = (await ask(host, argv, routesSchema))?.[0];
  return found === undefined || /^(unreachable|prohibit|blackhole)$/.test(found.type ?? '') ? undefined : found;
}

/** Routes of the main table by this device. */
export async function routesBy(host: Host, family: Family, device: string): Promise<readonly Route[]> {
  return (await ask(host, [`-${family}`, 'route', 'show', 'dev', device], routesSchema)) ?? [];
}

export async function rules(host: Host, family: Family): Promise<readonly Rule[]> {
  return (await ask(host, [`-${family}`, 'rule', 'show'], rulesSchema)) ?? [];
}

/** Whether `ip` is in the subnet of the address. */
export function inSubnet({ family, ip, prefix }: DeviceAddress, other: string): boolean {
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(ip, prefix, kind);
  return list.check(other, kind);
}
