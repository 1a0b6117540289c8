/** Virtual addresses. */
import type { Config } from '../config/config.ts';
import { has, prefixOf, rowsIn } from '../config/values.ts';
import type { Instance, Vip } from '../config/vrrp.ts';
import type { Statement } from '../read/tree.ts';
import { instance } from './examples.ts';
import { counted, each, kept, lineAt, repeated } from './marks.ts';
import type { Mark, Rule } from './rule.ts';

/** Words of an address line, and how many words follow each (alloc_ipaddress). */
const OPTIONS: Readonly<Record<string, number>> = {
  dev: 1,
  scope: 1,
  broadcast: 1,
  brd: 1,
  label: 1,
  peer: 1,
  home: 0,
  '-nodad': 0,
  mngtmpaddr: 0,
  noprefixroute: 0,
  autojoin: 0,
  no_track: 0,
  preferred_lft: 1,
  track_group: 1,
  use_vmac: 0,
};

const BLOCKS = ['virtual_ipaddress', 'virtual_ipaddress_excluded'];
const rowsOf = ({ block }: Instance) => BLOCKS.flatMap((name) => rowsIn(block, name));
const rows = (config: Config) => kept(config).flatMap(rowsOf);

const none: Rule = {
  code: 'vrrp-no-address',
  severity: 'error',
  title: 'instance without a virtual address',
  why: 'there is nothing to move to the other node; with version 3 and in strict mode keepalived does not run it at all.',
  fix: 'list the addresses in virtual_ipaddress',
  wrong: instance({ vips: [] }),
  right: instance(),
  check: (config) =>
    each(kept(config), (one) => {
      if (rowsIn(one.block, 'virtual_ipaddress').length > 0 || has(one.block, 'no_virtual_ipaddress')) return undefined;
      return { at: one.statement.keyword, message: `${one.name} has no virtual address` };
    }),
};

const invalid: Rule = {
  code: 'vrrp-address-invalid',
  severity: 'error',
  title: 'virtual address that is none',
  why: 'keepalived skips the line.',
  fix: 'write an IP address, with the length of its prefix after a slash',
  wrong: instance({ vips: ['192.0.2.1/24', '192.0.2.300/24'] }),
  right: instance({ vips: ['192.0.2.1/24', '192.0.2.30/24'] }),
  check: (config) =>
    each(rows(config), ({ keyword }) => {
      if (keyword.unclear) return undefined;
      const prefix = prefixOf(keyword.text);
      if (prefix === undefined) return { at: keyword, message: `${keyword.text} is no IP address` };
      const isLengthWrong = keyword.text.includes('/') && prefix.length === undefined;
      return isLengthWrong ? { at: keyword, message: `${keyword.text} has no valid prefix length` } : undefined;
    }),
};

const option: Rule = {
  code: 'vrrp-address-option',
  severity: 'error',
  title: 'word on the line of an address that means nothing there',
  why: 'keepalived ignores the word; a second address on the line is so lost.',
  fix: 'write one address on each line, and after it only dev, label, scope, brd and the like',
  wrong: instance({ vips: ['192.0.2.1/24 192.0.2.2/24'] }),
  right: instance({ vips: ['192.0.2.1/24', '192.0.2.2/24'] }),
  check: (config) => each(rows(config), ({ args }) => unknownOption(args)),
};

function unknownOption(args: Statement['args']): Mark | undefined {
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    const words = Object.hasOwn(OPTIONS, word.text) ? OPTIONS[word.text]! : undefined;
    if (words === undefined) return word.unclear ? undefined : { at: word, message: `${word.text} is ignored` };
    if (i + words >= args.length) return { at: word, message: `no value follows ${word.text}` };
    i += words;
  }
  return undefined;
}

const family: Rule = {
  code: 'vrrp-address-family',
  severity: 'error',
  title: 'IPv4 and IPv6 in one instance',
  why: 'an instance has one family, that of its first address; keepalived skips the others.',
  fix: 'put the addresses of the other family into virtual_ipaddress_excluded, or into an instance of their own',
  wrong: instance({ vips: ['192.0.2.1/24', '2001:db8::1/64'] }),
  right: instance({ vips: ['192.0.2.1/24'], more: ['virtual_ipaddress_excluded {', '2001:db8::1/64', '}'] }),
  check: (config) =>
    kept(config).flatMap(({ vips, name }) =>
      each(vips, (vip) => {
        if (vip.family === vips[0]!.family) return undefined;
        return { at: vip.at.keyword, message: `the first address of ${name} is IPv${vips[0]!.family}` };
      }),
    ),
};

const noMask: Rule = {
  code: 'vrrp-address-no-prefix',
  severity: 'info',
  title: 'virtual address without a prefix length',
  why: 'it gets /32 (or /128): fine beside an address of the same network, but then no route to the network comes with it.',
  fix: 'write the length of the prefix, such as /24, or /32 to show that it is meant',
  wrong: instance({ vips: ['192.0.2.1'] }),
  right: instance({ vips: ['192.0.2.1/32'] }),
  check: (config) =>
    kept(config).flatMap(({ vips, excluded }) =>
      each([...vips, ...excluded], ({ at }) => {
        if (at.keyword.text.includes('/') || at.args.some(({ text }) => text === 'peer')) return undefined;
        return {
          at: at.keyword,
          message: `${at.keyword.text} is taken as ${at.keyword.text}/${at.keyword.text.includes(':') ? 128 : 32}`,
        };
      }),
    ),
};

/** An address as it is on one interface of one machine. */
const keyOf = (one: Instance, { ip, device }: Vip) =>
  `${ip} ${device?.text ?? one.interface?.text ?? ''} ${one.statement.line.condition}`;

const twice: Rule = {
  code: 'vrrp-address-twice',
  severity: 'error',
  title: 'one virtual address in two instances',
  why: 'each adds and removes it as it likes: when one of them gives it up, it is gone for the other too.',
  fix: 'leave it in one of the instances',
  wrong: instance() + instance({ name: 'VI_2', set: { virtual_router_id: '52' } }),
  right: instance() + instance({ name: 'VI_2', set: { virtual_router_id: '52' }, vips: ['192.0.2.2/24'] }),
  check: (config) => {
    const all = kept(config).flatMap((one) => {
      const own = new Map([...one.vips, ...one.excluded].map((vip) => [keyOf(one, vip), vip]));
      return [...own].map(([key, vip]) => ({ one, vip, key }));
    });
    return each(
      repeated(all, ({ key }) => key),
      ({ first, again }) => {
        const at = again.vip.at.keyword;
        return { at, message: `${again.vip.ip} is also an address of ${first.one.name} (${lineAt(first.vip.at.keyword, at)})` };
      },
    );
  },
};

const twiceInOne: Rule = {
  code: 'vrrp-address-repeated',
  severity: 'warning',
  title: 'one virtual address twice in an instance',
  why: 'it is added twice and advertised twice, or in spite of being excluded.',
  fix: 'remove one of the lines',
  wrong: instance({ more: ['virtual_ipaddress_excluded {', '192.0.2.1/24', '}'] }),
  right: instance({ more: ['virtual_ipaddress_excluded {', '192.0.2.2/24', '}'] }),
  check: (config) =>
    kept(config).flatMap((one) =>
      each(
        repeated([...one.vips, ...one.excluded], (vip) => `${keyOf(one, vip)} ${vip.at.line.condition}`),
        ({ first, again }) => {
          const at = again.at.keyword;
          return { at, message: `${again.ip} is also in ${lineAt(first.at.keyword, at)}` };
        },
      ),
    ),
};

/** More are sent, but other routers may take no more. */
const MOST = 20;

const many: Rule = {
  code: 'vrrp-address-many',
  severity: 'warning',
  title: 'more than 20 addresses in an advert',
  why: 'adverts get long, other implementations take no more than 20, and beyond the MTU keepalived leaves the rest out.',
  fix: 'put all but one into virtual_ipaddress_excluded: they move along without being advertised',
  wrong: instance({ vips: Array.from({ length: 21 }, (_, i) => `192.0.2.${i + 1}/24`) }),
  right: instance({
    more: ['virtual_ipaddress_excluded {', ...Array.from({ length: 20 }, (_, i) => `192.0.2.${i + 2}/24`), '}'],
  }),
  check: (config) =>
    each(kept(config), ({ vips, name }) => {
      if (vips.length <= MOST) return undefined;
      return { at: vips[MOST]!.at.keyword, message: `${name} advertises ${counted(vips.length, 'address', 'addresses')}` };
    }),
};

const linkLocal: Rule = {
  code: 'vrrp-address-link-local',
  severity: 'info',
  title: 'first IPv6 address is not link-local',
  why: 'RFC 9568 wants fe80:… first, and other implementations discard adverts without it.',
  fix: 'write a link-local address as the first one',
  wrong: instance({ vips: ['2001:db8::1/64'] }),
  right: instance({ vips: ['fe80::51/64', '2001:db8::1/64'] }),
  check: (config) =>
    each(kept(config), ({ vips: [first], peers, name }) => {
      if (first?.family !== 6 || peers.length > 0 || /^fe[89ab]/.test(first.ip)) return undefined;
      return { at: first.at.keyword, message: `the first address of ${name} is ${first.ip}` };
    }),
};

export const vrrpAddress: readonly Rule[] = [none, invalid, option, family, noMask, twice, twiceInOne, many, linkLocal];
