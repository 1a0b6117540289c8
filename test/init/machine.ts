/** Machines that `fourlane init` looks at in its unit tests: from recordings of `ip -j`, and small ones written down. */
import { readFileSync } from 'node:fs';
import { matchesGlob } from 'node:path';
import { sources } from '../../src/init/index.ts';
import { lookAround, type Seen } from '../../src/init/look.ts';
import type { Machine as InitMachine } from '../../src/init/source.ts';
import { fakeHost, type Machine } from '../doctor/fake-host.ts';

const FIXTURES = new URL('../fixtures/', import.meta.url);

export const fixture = (name: string) => readFileSync(new URL(name, FIXTURES), 'latin1');

const COMMANDS = {
  link: 'ip -j -d link show',
  address: 'ip -j address show',
  rule4: 'ip -j -4 rule show',
  rule6: 'ip -j -6 rule show',
  route4: 'ip -j -4 route show table all',
  route6: 'ip -j -6 route show table all',
};

/** What iproute2 6.1 printed in the guest: two NICs, a bond of two more with two VLANs, two policy tables. */
export function edge({ devices = true } = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(COMMANDS).map(([name, command]) => {
      const text = fixture(`init/edge/${name}.json`);
      // The guest's NICs are veths; of a machine's own devices the listing has no linkinfo.
      const isLinks = name === 'link' && devices;
      return [command, isLinks ? JSON.stringify((JSON.parse(text) as Listed[]).map(asDevice)) : text];
    }),
  );
}

interface Listed {
  readonly linkinfo?: { readonly info_kind?: string };
}

const asDevice = ({ linkinfo, ...rest }: Listed) => (linkinfo?.info_kind === 'veth' ? rest : { linkinfo, ...rest });

/** A link as `ip -j -d link show` and `ip -j address show` have it, shortened to the keys read. */
export interface SmallLink {
  readonly name: string;
  readonly kind?: string;
  readonly addresses?: readonly string[];
  readonly link?: string;
  readonly master?: string;
  readonly mac?: string;
  readonly down?: true;
}

/** A small machine: its links, and routes of the main table as `[to, device, gateway]`. */
export function small(links: readonly SmallLink[], routes: readonly (readonly [string, string, string?])[]) {
  const flags = (down?: true) => (down ? ['BROADCAST'] : ['BROADCAST', 'UP', 'LOWER_UP']);
  const routesOf = (family: 4 | 6) =>
    routes
      .filter(([to, , gateway = '']) => (to + gateway).includes(':') === (family === 6))
      .map(([dst, dev, gateway]) => ({ dst, dev, ...(gateway === undefined ? {} : { gateway }) }));
  return {
    [COMMANDS.link]: JSON.stringify(
      links.map(({ name, kind, link, master, mac = '02:00:00:00:00:01', down }) => ({
        ifname: name,
        flags: flags(down),
        address: mac,
        ...(link === undefined ? {} : { link }),
        ...(master === undefined ? {} : { master }),
        ...(kind === undefined ? {} : { linkinfo: { info_kind: kind } }),
      })),
    ),
    [COMMANDS.address]: JSON.stringify(
      links.map(({ name, addresses = [] }) => ({
        ifname: name,
        addr_info: addresses.map((text) => {
          const [local, length] = text.split('/');
          const family = text.includes(':') ? 'inet6' : 'inet';
          return { family, local, prefixlen: Number(length), scope: 'global' };
        }),
      })),
    ),
    [COMMANDS.rule4]: fixture('init/edge/rule6.json'),
    [COMMANDS.rule6]: fixture('init/edge/rule6.json'),
    [COMMANDS.route4]: JSON.stringify(routesOf(4)),
    [COMMANDS.route6]: JSON.stringify(routesOf(6)),
  };
}

/** With these, nothing of LVS is there. */
export const NOTHING: Machine = { readings: { dpvs: { state: 'absent', reason: 'there is no control socket' } } };

/** What every source of the list sees on this machine. */
export function seen(machine: Machine, more: Partial<InitMachine['host']> = {}, env: InitMachine['env'] = {}): Promise<Seen> {
  return lookAround(sources, looking({ ...NOTHING, ...machine }, more, env));
}

/** The machine as sources see it; patterns match its files. */
export function looking(
  machine: Machine = {},
  more: Partial<InitMachine['host']> = {},
  env: InitMachine['env'] = {},
): InitMachine {
  const files = Object.keys(machine.files ?? {}).sort();
  const paths = (pattern: string) => Promise.resolve(files.filter((file) => matchesGlob(file, pattern)));
  return { host: { ...fakeHost(machine), ...more }, env, paths };
}
