/** Virtual servers, their groups and real servers. */
import type { Config } from '../config/config.ts';
import type { RealServer, VirtualServer } from '../config/lvs.ts';
import { fits } from '../catalogue/arguments.ts';
import { has, ipOf } from '../config/values.ts';
import { extentOf, type Statement, statementOf } from '../read/tree.ts';
import { server, service, TCP } from './examples.ts';
import { counted, each, lineAt, removal, repeated } from './marks.ts';
import type { Mark, Rule } from './rule.ts';

const ofServers =
  (mark: (server: VirtualServer, config: Config) => Mark | undefined) =>
  (config: Config): Mark[] =>
    // One without real servers is dropped, and reported as that.
    each(config.virtualServers, (one) => (one.realServers.length === 0 ? undefined : mark(one, config)));

/** `192.0.2.10 80`, as written. */
function named({ args }: Statement): string {
  return args.map(({ text }) => text).join(' ');
}

const portArgument = { kind: 'integer', min: 0, max: 65_535 } as const;

const addressInvalid: Rule = {
  code: 'lvs-address-invalid',
  severity: 'error',
  title: 'virtual server whose address, port or mark is not valid',
  why: 'keepalived skips the whole virtual server.',
  fix: 'write an IP address and a port, fwmark and a number, or group and a name',
  wrong: service({ key: '192.0.2.999 80' }),
  right: service(),
  check: ({ virtualServers }) =>
    each(virtualServers, ({ statement, key }) => {
      const [first, second] = statement.args;
      if (key.kind !== 'unclear' || first === undefined || first.unclear || second?.unclear === true) return undefined;
      const isPort = ipOf(first.text.replace(/[-/].*$/, '')) !== undefined && second !== undefined && !fits(portArgument, second);
      const at = isPort || first.text === 'fwmark' ? (second ?? first) : first;
      return { at, message: `${at.text} is no valid ${isPort ? 'port' : first.text === 'fwmark' ? 'mark' : 'IP address'}` };
    }),
};

const range: Rule = {
  code: 'lvs-range-ignored',
  severity: 'error',
  title: 'range of addresses in a virtual server',
  why: 'only groups have ranges: keepalived takes the first address, without a message.',
  fix: 'put the range into a virtual_server_group, and write virtual_server group NAME',
  wrong: service({ key: '192.0.2.10-20 80' }),
  right: `virtual_server_group web {\n  192.0.2.10-20 80\n}\n${service({ key: 'group web' })}`,
  check: ({ virtualServers }) =>
    each(virtualServers, ({ statement: { args }, key }) => {
      const [first] = args;
      if (key.kind !== 'address' || first === undefined || !/[-/]/.test(first.text)) return undefined;
      return { at: first, message: `${first.text} is taken as ${key.ip}` };
    }),
};

const groupUndefined: Rule = {
  code: 'lvs-group-undefined',
  severity: 'error',
  title: 'virtual server of a group that does not exist',
  why: 'keepalived makes no virtual service of it, without a message.',
  fix: 'define the group, or correct the name',
  wrong: service({ key: 'group web' }),
  right: `virtual_server_group web {\n  192.0.2.10 80\n}\n${service({ key: 'group web' })}`,
  check: ({ virtualServers, serverGroups }) => {
    const names = new Set(serverGroups.map(({ name }) => name));
    return each(virtualServers, ({ key, statement }) => {
      if (key.kind !== 'group' || names.has(key.name)) return undefined;
      return { at: statement.args[1] ?? statement.keyword, message: `no virtual_server_group has the name ${key.name}` };
    });
  },
};

const groupEntry: Rule = {
  code: 'lvs-group-invalid',
  severity: 'error',
  title: 'line of a virtual_server_group that is not valid',
  why: 'keepalived skips the line, and a group without lines altogether.',
  fix: 'write an address, a range such as 192.0.2.10-20 or a network, and a port; or fwmark and a number',
  wrong: `virtual_server_group web {\n  192.0.2.300 80\n  192.0.2.10 80\n}\n${service({ key: 'group web' })}`,
  right: `virtual_server_group web {\n  192.0.2.10 80\n}\n${service({ key: 'group web' })}`,
  check: ({ serverGroups }) =>
    serverGroups.flatMap(({ entries, statement, name }) => {
      if (entries.length === 0) return [{ at: statement.keyword, message: `${name} is empty` }];
      return each(entries, ({ kind, at }) => {
        if (kind !== 'unclear' || at.line.unclear) return undefined;
        return { at: at.keyword, message: `${[at.keyword, ...at.args].map(({ text }) => text).join(' ')} is not valid` };
      });
    }),
};

const noRealServer: Rule = {
  code: 'lvs-no-real-server',
  severity: 'error',
  title: 'virtual server without a real server',
  why: 'keepalived drops it.',
  fix: 'add a real_server, or remove the virtual server',
  wrong: service({ servers: [] }),
  right: service(),
  check: ({ virtualServers }) =>
    each(virtualServers, ({ realServers, statement }) => {
      return realServers.length > 0 ? undefined : { at: statement.keyword, message: `${named(statement)} has no real server` };
    }),
};

const twice: Rule = {
  code: 'lvs-server-twice',
  severity: 'error',
  title: 'one virtual server twice',
  why: 'the kernel has it once: both blocks change the same service, each as if the other were not there.',
  fix: 'put the real servers into one block',
  wrong: service() + service({ servers: server('10.0.0.2 80') }),
  right: service({ servers: [...server(), ...server('10.0.0.2 80')] }),
  check: ({ virtualServers }) => {
    const keyOf = ({ key, protocol = 'UDP', statement }: VirtualServer) => {
      const condition = statement.line.condition;
      if (key.kind === 'address') return `${key.ip} ${key.port} ${protocol} ${condition}`;
      return key.kind === 'unclear' ? undefined : `${key.kind} ${key.kind === 'group' ? key.name : key.mark} ${condition}`;
    };
    return each(repeated(virtualServers, keyOf), ({ first, again }) => {
      const at = again.statement.keyword;
      return { at, message: `${named(again.statement)} is also in ${lineAt(first.statement.keyword, at)}` };
    });
  },
};

const noScheduler: Rule = {
  code: 'lvs-no-scheduler',
  severity: 'error',
  title: 'virtual server without a scheduler',
  why: 'keepalived takes wlc, and its own test fails.',
  fix: 'write lb_algo and a scheduler, such as wlc',
  wrong: service({ set: { lb_algo: undefined } }),
  right: service(),
  check: ofServers(({ block, statement }) => {
    if (has(block, 'lb_algo') || has(block, 'lvs_sched')) return undefined;
    return { at: statement.keyword, message: `${named(statement)} has no lb_algo` };
  }),
};

const noMethod: Rule = {
  code: 'lvs-no-method',
  severity: 'error',
  title: 'virtual server without a forwarding method',
  why: 'keepalived takes NAT, and its own test fails; with servers that are set up for direct routing nothing gets through.',
  fix: 'write lb_kind and NAT, DR or TUN',
  wrong: service({ set: { lb_kind: undefined } }),
  right: service(),
  check: ofServers(({ block, statement, realServers }) => {
    if (has(block, 'lb_kind') || has(block, 'lvs_method')) return undefined;
    if (realServers.every((rs) => has(rs.block, 'lvs_method'))) return undefined;
    return { at: statement.keyword, message: `${named(statement)} has no lb_kind` };
  }),
};

/** Whether marks alone name the service, so that it has no protocol. */
function isByMark({ key }: VirtualServer, config: Config): boolean {
  return key.kind === 'group' ? markGroups(config).has(key.name) : key.kind === 'fwmark';
}

const byMark = new WeakMap<Config, ReadonlySet<string>>();

/** Names of the groups of marks only. */
function markGroups(config: Config): ReadonlySet<string> {
  const known = byMark.get(config);
  if (known !== undefined) return known;
  const groups = config.serverGroups.filter(
    ({ entries }) => entries.length > 0 && entries.every(({ kind }) => kind === 'fwmark'),
  );
  const names = new Set(groups.map(({ name }) => name));
  byMark.set(config, names);
  return names;
}

const noProtocol: Rule = {
  code: 'lvs-no-protocol',
  severity: 'error',
  title: 'virtual server without a protocol',
  why: 'keepalived takes UDP then, whatever the checks are.',
  fix: 'write protocol TCP, UDP or SCTP',
  wrong: service({ set: { protocol: undefined } }),
  right: service(),
  check: ofServers((one, config) => {
    if (has(one.block, 'protocol') || isByMark(one, config) || one.key.kind === 'unclear') return undefined;
    return { at: one.statement.keyword, message: `${named(one.statement)} has no protocol: it is UDP` };
  }),
};

const markProtocol: Rule = {
  code: 'lvs-mark-protocol',
  severity: 'warning',
  title: 'protocol of a firewall mark',
  why: 'a service by mark takes every protocol, so keepalived ignores the line and its own test fails.',
  fix: 'remove the line',
  wrong: service({ key: 'fwmark 7', servers: server('10.0.0.1') }),
  right: service({ key: 'fwmark 7', set: { protocol: undefined }, servers: server('10.0.0.1') }),
  check: ofServers((one, config) => {
    const statement = statementOf(one.block, 'protocol');
    if (statement === undefined || !isByMark(one, config)) return undefined;
    return { at: extentOf(statement), message: `${named(one.statement)} has no protocol`, edit: removal(statement) };
  }),
};

const noPort: Rule = {
  code: 'lvs-no-port',
  severity: 'error',
  title: 'virtual server without a port',
  why: 'it takes every port, which LVS can do with persistence only, so keepalived sets persistence_timeout 360.',
  fix: 'write the port, or persistence_timeout if every port is meant',
  wrong: service({ key: '192.0.2.10' }),
  right: service(),
  check: ofServers(({ key, isPersistent, statement }) => {
    if (key.kind !== 'address' || key.port !== 0 || isPersistent) return undefined;
    return { at: statement.args[0] ?? statement.keyword, message: `${named(statement)} has no port and no persistence` };
  }),
};

const portMismatch: Rule = {
  code: 'lvs-port-mismatch',
  severity: 'error',
  title: 'real server with another port than its virtual server',
  why: 'only NAT changes ports: with DR and TUN keepalived takes the port of the virtual server, or none for a mark.',
  fix: 'write the port of the virtual server, or use NAT',
  wrong: service({ servers: server('10.0.0.1 8080') }),
  right: service(),
  check: ({ virtualServers }) =>
    virtualServers.flatMap(({ key, realServers, sorry, method }) => {
      if (key.kind === 'unclear' || key.kind === 'group' || (key.kind === 'address' && key.port === 0)) return [];
      const port = key.kind === 'address' ? key.port : 0;
      const all: Pick<RealServer, 'statement' | 'port' | 'method'>[] = [...realServers];
      if (sorry !== undefined && method !== undefined) all.push({ ...sorry, method });
      return each(all, (one) => {
        const word = one.statement.args[1];
        if (one.method === 'NAT' || one.port === 0 || one.port === port || word === undefined) return undefined;
        return { at: word, message: `${one.method} keeps the port: it is ${port === 0 ? 'none' : port}, not ${one.port}` };
      });
    }),
};

const familyMismatch: Rule = {
  code: 'lvs-family-mismatch',
  severity: 'error',
  title: 'real server of another family than its virtual server',
  why: 'only tunnels cross from IPv4 to IPv6, so keepalived skips the real server.',
  fix: 'use an address of the same family, or TUN',
  wrong: service({ servers: [...server(), ...server('fd00::1 80')] }),
  right: service(),
  check: ({ virtualServers }) =>
    virtualServers.flatMap(({ key, realServers }) =>
      each(realServers, ({ ip, method, statement }) => {
        if (key.kind !== 'address' || ip === undefined || method === 'TUN') return undefined;
        if (ip.includes(':') === key.ip.includes(':')) return undefined;
        return { at: statement.args[0]!, message: `${ip} can not serve ${key.ip} by ${method}` };
      }),
    ),
};

/** The key by which real servers of a virtual server differ. */
export function realKey({ ip, port }: Pick<RealServer, 'ip' | 'port'>, { key }: VirtualServer): string | undefined {
  return ip === undefined ? undefined : `${ip} ${port === 0 && key.kind === 'address' ? key.port : port}`;
}

const realTwice: Rule = {
  code: 'lvs-real-server-twice',
  severity: 'error',
  title: 'one real server twice in a virtual server',
  why: 'keepalived removes the second one, with its weight and its checks.',
  fix: 'remove one of them',
  wrong: service({ servers: [...server(), ...server()] }),
  right: service({ servers: [...server(), ...server('10.0.0.2 80')] }),
  check: ({ virtualServers }) =>
    virtualServers.flatMap((one) =>
      each(
        repeated(one.realServers, (rs) =>
          rs.ip === undefined ? undefined : `${realKey(rs, one)} ${rs.statement.line.condition}`,
        ),
        ({ first, again }) => {
          const at = again.statement.keyword;
          return { at, message: `${named(again.statement)} is also in ${lineAt(first.statement.keyword, at)}` };
        },
      ),
    ),
};

const sorrySame: Rule = {
  code: 'lvs-sorry-is-real',
  severity: 'warning',
  title: 'sorry server that is a real server too',
  why: 'it is there for when the real servers are down, and then it is down itself.',
  fix: 'use another server',
  wrong: service({ more: ['sorry_server 10.0.0.1 80'] }),
  right: service({ more: ['sorry_server 10.0.0.9 80'] }),
  check: ofServers((one) => {
    const { sorry } = one;
    const key = sorry === undefined ? undefined : realKey(sorry, one);
    const same = key === undefined ? undefined : one.realServers.find((rs) => realKey(rs, one) === key);
    if (sorry === undefined || same === undefined) return undefined;
    return { at: extentOf(sorry.statement), message: `${key} is also the real server of line ${same.statement.keyword.line}` };
  }),
};

/** Weights that are known. */
const weightSum = ({ realServers }: VirtualServer) => realServers.reduce((sum, { weight }) => sum + weight, 0);

/** Whether what the real servers weigh may change or is not known. */
function isWeightOpen({ realServers }: VirtualServer): boolean {
  return realServers.some(({ block, checkers }) => {
    return (
      block.statements.some(({ line }) => line.unclear) ||
      checkers.some(({ kind }) => kind === 'FILE_CHECK' || kind === 'MISC_CHECK')
    );
  });
}

const quorum: Rule = {
  code: 'lvs-quorum-high',
  severity: 'error',
  title: 'quorum that can not be reached',
  why: 'it counts weights, not servers; one above the sum of all weights would keep the service down, so keepalived lowers it.',
  fix: 'write a quorum of at most the sum of the weights',
  wrong: service({ more: ['quorum 5'] }),
  right: service({ more: ['quorum 1'] }),
  check: ofServers((one) => {
    const statement = statementOf(one.block, 'quorum');
    const sum = weightSum(one);
    if (statement === undefined || isWeightOpen(one) || one.quorum <= sum) return undefined;
    const weights = counted(one.realServers.length, 'real server weighs', 'real servers weigh');
    return { at: extentOf(statement), message: `quorum ${one.quorum}, and ${weights} ${sum}` };
  }),
};

const hysteresis: Rule = {
  code: 'lvs-hysteresis-high',
  severity: 'error',
  title: 'hysteresis not below the quorum',
  why: 'the service would stay up without any real server, so keepalived lowers it.',
  fix: 'write a hysteresis below the quorum',
  wrong: service({ more: ['hysteresis 1'] }),
  right: service({ more: ['quorum 2', 'hysteresis 1'], servers: [...server(), ...server('10.0.0.2 80')] }),
  check: ofServers((one) => {
    const statement = statementOf(one.block, 'hysteresis');
    if (statement === undefined || one.hysteresis < one.quorum) return undefined;
    return { at: extentOf(statement), message: `hysteresis ${one.hysteresis}, quorum ${one.quorum}` };
  }),
};

const onePacket: Rule = {
  code: 'lvs-ops-not-udp',
  severity: 'error',
  title: 'ops without UDP',
  why: 'one-packet scheduling would part connections, so keepalived clears it unless the protocol is UDP.',
  fix: 'remove the line',
  wrong: service({ more: ['ops'] }),
  right: service(),
  check: ofServers((one, config) => {
    const statement = statementOf(one.block, 'ops');
    if (statement === undefined || one.protocol === 'UDP' || one.protocol === undefined || isByMark(one, config))
      return undefined;
    return { at: statement.keyword, message: `the protocol is ${one.protocol}`, edit: removal(statement) };
  }),
};

const suspendMark: Rule = {
  code: 'lvs-suspend-mark',
  severity: 'error',
  title: 'ha_suspend with a firewall mark',
  why: 'it follows the presence of the virtual address, which a mark does not have, so keepalived clears it.',
  fix: 'remove the line',
  wrong: service({ key: 'fwmark 7', set: { protocol: undefined }, more: ['ha_suspend'], servers: server('10.0.0.1', TCP) }),
  right: service({ more: ['ha_suspend'] }),
  check: ofServers((one, config) => {
    const statement = statementOf(one.block, 'ha_suspend');
    if (statement === undefined || !isByMark(one, config)) return undefined;
    return { at: statement.keyword, message: `${named(one.statement)} is a mark`, edit: removal(statement) };
  }),
};

export const lvsServer: readonly Rule[] = [
  addressInvalid,
  range,
  groupUndefined,
  groupEntry,
  noRealServer,
  twice,
  noScheduler,
  noMethod,
  noProtocol,
  markProtocol,
  noPort,
  portMismatch,
  familyMismatch,
  realTwice,
  sorrySame,
  quorum,
  hysteresis,
  onePacket,
  suspendMark,
];
