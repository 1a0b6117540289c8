/** Smaller things that keepalived clears, changes or drops: names, interfaces of its own, strict mode, flags of schedulers. */
import { isIPv4 } from 'node:net';
import type { Config } from '../config/config.ts';
import { has, rowsIn } from '../config/values.ts';
import type { Instance } from '../config/vrrp.ts';
import { type Block, extentOf, type Statement, statementOf, statementsOf } from '../read/tree.ts';
import { instance, service } from './examples.ts';
import { each, kept, lineAt, removal, repeated } from './marks.ts';
import type { Mark, Rule } from './rule.ts';

const NAMED = ['vrrp_sync_group', 'bfd_instance', 'track_group'];
const MEMBERS = instance() + instance({ name: 'VI_2', set: { virtual_router_id: '52' }, vips: ['192.0.2.2/24'] });
const GROUP = 'vrrp_sync_group G {\n  group {\n    VI_1\n    VI_2\n  }\n}\n';

const nameTwice: Rule = {
  code: 'name-twice',
  severity: 'error',
  title: 'two groups or BFD instances with one name',
  why: 'keepalived skips the second one.',
  fix: 'give it a name of its own, or remove it',
  wrong: `${MEMBERS}${GROUP}vrrp_sync_group G {\n  smtp_alert\n}\n`,
  right: MEMBERS + GROUP,
  check: ({ tree }) =>
    NAMED.flatMap((keyword) =>
      each(repeated(statementsOf(tree.root, keyword), nameOf), ({ first, again }) => {
        const at = again.args[0] ?? again.keyword;
        return { at, message: `${at.text} is already defined in ${lineAt(first.keyword, at)}` };
      }),
    ),
};

function nameOf({ args: [name], line }: Statement): string | undefined {
  return name === undefined || name.unclear ? undefined : `${name.text} ${line.condition}`;
}

const ofInstances =
  (mark: (instance: Instance) => Mark | undefined) =>
  (config: Config): Mark[] =>
    each(kept(config), mark);

const vmacUnicast: Rule = {
  code: 'vrrp-vmac-unicast',
  severity: 'warning',
  title: 'use_vmac with unicast and without vmac_xmit_base',
  why: 'unicast adverts can not leave by the virtual interface, so keepalived sets vmac_xmit_base, and its own test fails.',
  fix: 'write vmac_xmit_base',
  wrong: instance({ set: { unicast_src_ip: '10.0.0.5', use_vmac: '' }, more: ['unicast_peer {', '10.0.0.2', '}'] }),
  right: instance({
    set: { unicast_src_ip: '10.0.0.5', use_vmac: '', vmac_xmit_base: '' },
    more: ['unicast_peer {', '10.0.0.2', '}'],
  }),
  check: ofInstances(({ block, peers, name }) => {
    const vmac = statementOf(block, 'use_vmac') ?? statementOf(block, 'use_ipvlan');
    if (vmac === undefined || peers.length === 0 || has(block, 'vmac_xmit_base')) return undefined;
    return { at: vmac.keyword, message: `${name} has unicast peers and ${vmac.name}` };
  }),
};

const ttlMulticast: Rule = {
  code: 'vrrp-unicast-ttl',
  severity: 'error',
  title: 'unicast_ttl without unicast peers',
  why: 'adverts of multicast always have a TTL of 255, so keepalived clears it.',
  fix: 'remove the line, or list the peers',
  wrong: instance({ set: { unicast_ttl: '64' } }),
  right: instance(),
  check: ofInstances(({ block, peers, name }) => {
    const ttl = statementOf(block, 'unicast_ttl');
    if (ttl === undefined || peers.length > 0) return undefined;
    return { at: extentOf(ttl), message: `${name} has no unicast peer`, edit: removal(ttl) };
  }),
};

const multicastUnicast: Rule = {
  code: 'vrrp-multicast-unicast',
  severity: 'error',
  title: 'mcast_dst_ip with unicast peers',
  why: 'the adverts go to the peers, so keepalived ignores the group.',
  fix: 'remove the line, or the peers',
  wrong: instance({ set: { unicast_src_ip: '10.0.0.5', mcast_dst_ip: '224.0.0.19' }, more: ['unicast_peer {', '10.0.0.2', '}'] }),
  right: instance({ set: { mcast_dst_ip: '224.0.0.19' } }),
  check: ofInstances(({ block, peers, name }) => {
    const group = statementOf(block, 'mcast_dst_ip');
    if (group === undefined || peers.length === 0) return undefined;
    return { at: extentOf(group), message: `${name} has unicast peers`, edit: removal(group) };
  }),
};

/** What strict mode resets when it is on (vrrp_complete_instance). */
const NOT_STRICT = ['garp_lower_prio_repeat', 'garp_lower_prio_delay', 'higher_prio_send_advert', 'down_timer_adverts'];

const strictReset: Rule = {
  code: 'vrrp-strict-resets',
  severity: 'error',
  title: 'keyword that strict mode resets',
  why: 'the standard does not have it, so keepalived sets it back to its default.',
  fix: 'remove the line, or strict mode',
  wrong: instance({ set: { version: '3', strict_mode: '', accept: '', down_timer_adverts: '5' } }),
  right: instance({ set: { down_timer_adverts: '5' } }),
  check: (config) =>
    kept(config).flatMap(({ block, isStrict, name }) =>
      NOT_STRICT.flatMap((keyword) => {
        const statement = isStrict ? statementOf(block, keyword) : undefined;
        const isDefault =
          ['0', 'no', 'off', 'false'].includes(statement?.args[0]?.text ?? '') || statement?.args[0]?.text === '3';
        if (statement === undefined || isDefault) return [];
        return [{ at: extentOf(statement), message: `${name} is strict: ${keyword} is reset` }];
      }),
    ),
};

/** Longest label of an address (IFNAMSIZ - 1). */
const LONGEST_LABEL = 15;
const BLOCKS = ['virtual_ipaddress', 'virtual_ipaddress_excluded'];

const addressLabel: Rule = {
  code: 'vrrp-address-label',
  severity: 'error',
  title: 'label or broadcast that an address can not have',
  why: 'a label has at most 15 characters and, as a broadcast address, is of IPv4 only: the address or the word is dropped.',
  fix: 'shorten the label, such as eth0:1; leave it out for IPv6',
  wrong: instance({ vips: ['192.0.2.1/24 dev eth0 label eth0:a-long-label', '192.0.2.2/24'] }),
  right: instance({ vips: ['192.0.2.1/24 dev eth0 label eth0:1', '192.0.2.2/24'] }),
  check: (config) =>
    kept(config).flatMap(({ block }) =>
      each(
        BLOCKS.flatMap((name) => rowsIn(block, name)),
        ({ keyword, args }) => {
          const at = args.findIndex(({ text }) => ['label', 'brd', 'broadcast'].includes(text));
          const [word, value] = [args[at], args[at + 1]];
          if (word === undefined || value === undefined || value.unclear || keyword.unclear) return undefined;
          if (keyword.text.includes(':')) return { at: word, message: `an IPv6 address has no ${word.text}` };
          if (word.text !== 'label' || value.text.length <= LONGEST_LABEL) return undefined;
          return { at: value, message: `${value.text} has ${value.text.length} characters` };
        },
      ),
    ),
};

const SCHEDULER_FLAGS: Readonly<Record<string, string>> = {
  'sh-port': 'sh',
  'sh-fallback': 'sh',
  'mh-port': 'mh',
  'mh-fallback': 'mh',
};

const schedulerFlag: Rule = {
  code: 'lvs-flag-scheduler',
  severity: 'error',
  title: 'flag of another scheduler, or before the scheduler',
  why: 'keepalived ignores the flag unless the scheduler it belongs to stands further up in the block.',
  fix: 'write lb_algo with the scheduler of the flag first, or remove the flag',
  wrong: service({ more: ['sh-port'] }),
  right: service({ set: { lb_algo: 'sh' }, more: ['sh-port'] }),
  check: ({ virtualServers }) =>
    virtualServers.flatMap(({ block }) =>
      each(block.statements, (flag) => {
        const wanted = Object.hasOwn(SCHEDULER_FLAGS, flag.name) ? SCHEDULER_FLAGS[flag.name] : undefined;
        if (wanted === undefined || schedulerBefore(block, flag) === wanted) return undefined;
        return { at: flag.keyword, message: `no lb_algo ${wanted} stands before ${flag.name}` };
      }),
    ),
};

function schedulerBefore(block: Block, flag: Statement): string | undefined {
  const before = block.statements.slice(0, block.statements.indexOf(flag));
  return before.findLast(({ name }) => name === 'lb_algo' || name === 'lvs_sched')?.args[0]?.text;
}

const METHODS = ['lb_kind', 'lvs_method', 'sorry_server_lvs_method'];
const TUNNELS = ['ipip', 'gue', 'gre'];
const SUMS = ['nocsum', 'csum', 'remcsum'];

/** What is wrong with the words after TUN (svr_forwarding_handler). */
function tunnelDefect(words: readonly string[]): string | undefined {
  let [type, port, sum] = ['ipip', '', 'nocsum'];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === 'type') type = words[++i] ?? '';
    else if (word === 'port') port = words[++i] ?? '0';
    else if (SUMS.includes(word)) sum = word;
    else return `${word} is no option of a tunnel`;
  }
  if (!TUNNELS.includes(type)) return `found type ${type || 'nothing'}; allowed: ${TUNNELS.join(', ')}`;
  if (port !== '' && !(Number(port) >= 1 && Number(port) <= 65_535)) return `found port ${port}; allowed: 1 to 65535`;
  if ((type === 'gue') !== (port !== '')) return type === 'gue' ? 'gue lacks its port' : `${type} has no port`;
  if (type === 'ipip' && sum !== 'nocsum') return 'ipip has no checksum';
  return type === 'gre' && sum === 'remcsum' ? 'gre has no remote checksum' : undefined;
}

const tunnel: Rule = {
  code: 'lvs-tunnel-options',
  severity: 'error',
  title: 'options of a tunnel that do not go together',
  why: 'keepalived ignores the line, or the options.',
  fix: 'write TUN, TUN type gue port N, or TUN type gre, with nocsum, csum or (gue) remcsum',
  wrong: service({ set: { lb_kind: 'TUN type gue' } }),
  right: service({ set: { lb_kind: 'TUN type gue port 6080' } }),
  check: ({ virtualServers }) =>
    virtualServers.flatMap(({ block, realServers }) =>
      [block, ...realServers.map((rs) => rs.block)].flatMap((one) =>
        each(one.statements, (statement) => {
          const [, ...options] = statement.args;
          if (!METHODS.includes(statement.name) || options.length === 0 || statement.line.unclear) return undefined;
          const defect = tunnelDefect(options.map(({ text }) => text));
          return defect === undefined ? undefined : { at: { ...options[0]!, end: options.at(-1)!.end }, message: defect };
        }),
      ),
    ),
};

const granularity: Rule = {
  code: 'lvs-granularity-invalid',
  severity: 'error',
  title: 'persistence_granularity that is no mask',
  why: 'keepalived ignores the line, so each client address is kept apart.',
  fix: 'write a mask such as 255.255.255.0 for IPv4, the length of a prefix for IPv6',
  wrong: service({ more: ['persistence_granularity /24'] }),
  right: service({ more: ['persistence_granularity 255.255.255.0'] }),
  check: ({ virtualServers }) =>
    each(virtualServers, ({ block, key }) => {
      const word = statementOf(block, 'persistence_granularity')?.args[0];
      if (word === undefined || word.unclear || key.kind !== 'address') return undefined;
      const bits = Number(word.text);
      // inet_aton takes a single number too.
      const isRight = key.ip.includes(':') ? bits >= 1 && bits <= 128 : isIPv4(word.text) || /^\d+$/.test(word.text);
      return isRight ? undefined : { at: word, message: `found ${word.text} for ${key.ip}` };
    }),
};

export const details: readonly Rule[] = [
  nameTwice,
  vmacUnicast,
  ttlMulticast,
  multicastUnicast,
  strictReset,
  addressLabel,
  schedulerFlag,
  tunnel,
  granularity,
];
