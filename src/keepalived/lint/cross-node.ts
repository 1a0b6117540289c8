/** Rules over the files of the nodes of one pair or cluster. */
import type { Config } from '../config/config.ts';
import { ipOf } from '../config/values.ts';
import type { Instance } from '../config/vrrp.ts';
import { extentOf, statementOf } from '../read/tree.ts';
import { instance, script, TRACKING } from './examples.ts';
import { kept } from './marks.ts';
import type { Mark, Rule } from './rule.ts';

interface Paired {
  readonly first: Instance;
  readonly other: Instance;
  readonly nodes: readonly [first: Config, other: Config];
}

/** Instances of two nodes that are the same one: by name, else by virtual_router_id and interface. */
function pairs(nodes: readonly Config[]): Paired[] {
  return nodes.flatMap((node, i) =>
    nodes.slice(i + 1).flatMap((later) => {
      const others = kept(later);
      const byName = new Map(others.map((one) => [one.name, one]));
      const byId = new Map(others.map((one) => [`${one.vrid} ${one.family}`, one]));
      return kept(node).flatMap((first) => {
        const other = byName.get(first.name) ?? byId.get(`${first.vrid} ${first.family}`);
        return other === undefined ? [] : [{ first, other, nodes: [node, later] as const }];
      });
    }),
  );
}

/** A mark at a keyword of the other instance, or at the instance when it does not have it. */
function markAt({ other, nodes }: Paired, keyword: string, message: string): Mark {
  const statement = statementOf(other.block, keyword);
  return {
    at: statement === undefined ? other.statement.keyword : extentOf(statement),
    message: `${message} in ${nodes[0].path}`,
  };
}

const ofPairs =
  (mark: (pair: Paired) => Mark | undefined) =>
  (nodes: readonly Config[]): Mark[] =>
    pairs(nodes).flatMap((pair) => mark(pair) ?? []);

/** The example of a node that is not the first one: a lower priority. */
const second = (changes: Parameters<typeof instance>[0] = {}) =>
  instance({ ...changes, set: { priority: '90', ...changes.set } });

const priorityEqual: Rule = {
  code: 'node-priority-equal',
  severity: 'warning',
  title: 'equal priorities on two nodes',
  why: 'the higher address decides then, and two nodes that start together may both be master for a moment.',
  fix: 'give the node that is to be master the higher priority',
  wrong: [instance(), instance()],
  right: [instance(), second()],
  across: ofPairs((pair) => {
    const { first, other } = pair;
    if (first.priority === undefined || first.priority !== other.priority || first.vrid !== other.vrid) return undefined;
    return markAt(pair, 'priority', `${other.name} has priority ${other.priority}, as`);
  }),
};

const bothMaster: Rule = {
  code: 'node-both-master',
  severity: 'warning',
  title: 'state MASTER on two nodes',
  why: 'each takes the addresses when it starts, until it receives the adverts of the other: connections break at every start.',
  fix: 'write state BACKUP on all but one node, or on all',
  wrong: [instance({ set: { state: 'MASTER' } }), second({ set: { state: 'MASTER' } })],
  right: [instance({ set: { state: 'MASTER' } }), second()],
  across: ofPairs((pair) => {
    if (pair.first.state !== 'MASTER' || pair.other.state !== 'MASTER') return undefined;
    return markAt(pair, 'state', `${pair.other.name} is MASTER here and`);
  }),
};

const routerId: Rule = {
  code: 'node-router-id-differs',
  severity: 'error',
  title: 'virtual_router_id differs between nodes',
  why: 'the nodes do not take each other for the same router, so both become master.',
  fix: 'use the same virtual_router_id',
  wrong: [instance(), second({ set: { virtual_router_id: '52' } })],
  right: [instance(), second()],
  across: ofPairs((pair) => {
    const { first, other } = pair;
    if (first.vrid === undefined || other.vrid === undefined || first.vrid === other.vrid) return undefined;
    return markAt(pair, 'virtual_router_id', `${other.name} has ${other.vrid} here and ${first.vrid}`);
  }),
};

const advertInterval: Rule = {
  code: 'node-advert-interval-differs',
  severity: 'error',
  title: 'advert_int differs between nodes',
  why: 'version 2 discards the adverts of the other, so both become master; version 3 notices failures at different times.',
  fix: 'use the same advert_int',
  wrong: [instance(), second({ set: { advert_int: '2' } })],
  right: [instance(), second()],
  across: ofPairs((pair) => {
    const { first, other } = pair;
    if (first.advertInterval === other.advertInterval) return undefined;
    return markAt(
      pair,
      'advert_int',
      `${other.name} sends every ${other.advertInterval} s here and every ${first.advertInterval} s`,
    );
  }),
};

const version: Rule = {
  code: 'node-version-differs',
  severity: 'error',
  title: 'version of VRRP differs between nodes',
  why: 'adverts of another version are discarded, so both become master.',
  fix: 'use the same version, or vrrp_version in global_defs of each node',
  wrong: [instance(), second({ set: { version: '3' } })],
  right: [instance({ set: { version: '3' } }), second({ set: { version: '3' } })],
  across: ofPairs((pair) => {
    const { first, other } = pair;
    if (first.version === other.version) return undefined;
    return markAt(pair, 'version', `${other.name} has version ${other.version} here and ${first.version}`);
  }),
};

const auth: Rule = {
  code: 'node-auth-differs',
  severity: 'error',
  title: 'authentication differs between nodes',
  why: 'adverts that do not authenticate are discarded, so both become master.',
  fix: 'use the same auth_type and auth_pass',
  wrong: [
    instance({ more: ['authentication {', 'auth_type PASS', 'auth_pass 1111', '}'] }),
    second({ more: ['authentication {', 'auth_type PASS', 'auth_pass 2222', '}'] }),
  ],
  right: [
    instance({ more: ['authentication {', 'auth_type PASS', 'auth_pass 1111', '}'] }),
    second({ more: ['authentication {', 'auth_type PASS', 'auth_pass 1111', '}'] }),
  ],
  across: ofPairs((pair) => {
    const { first, other } = pair;
    if (first.version === 3 || other.version === 3) return undefined;
    const sent = ({ authType, authPass }: Instance) =>
      authType === undefined ? '' : `${authType} ${authPass?.text.slice(0, 8) ?? ''}`;
    if (sent(first) === sent(other) || first.authPass?.unclear === true || other.authPass?.unclear === true) return undefined;
    // Passwords are not quoted.
    return markAt(pair, 'authentication', `${other.name} authenticates otherwise than`);
  }),
};

const addresses: Rule = {
  code: 'node-addresses-differ',
  severity: 'error',
  title: 'virtual addresses differ between nodes',
  why: 'an address that only one node has is gone after a failover, and adverts with other addresses are discarded.',
  fix: 'list the same addresses, in the same way, on every node',
  wrong: [instance({ vips: ['192.0.2.1/24', '192.0.2.2/24'] }), second()],
  right: [instance({ vips: ['192.0.2.1/24', '192.0.2.2/24'] }), second({ vips: ['192.0.2.1/24', '192.0.2.2/24'] })],
  across: ofPairs((pair) => {
    const { first, other } = pair;
    for (const list of ['vips', 'excluded'] as const) {
      const [mine, theirs] = [first[list], other[list]].map((all) => new Set(all.map(({ ip }) => ip))) as [
        Set<string>,
        Set<string>,
      ];
      const [missing] = mine.difference(theirs);
      const [extra] = theirs.difference(mine);
      const keyword = list === 'vips' ? 'virtual_ipaddress' : 'virtual_ipaddress_excluded';
      if (missing !== undefined) return markAt(pair, keyword, `${other.name} lacks ${missing}, which is`);
      if (extra !== undefined) return markAt(pair, keyword, `${other.name} has ${extra}, which is not`);
    }
    return undefined;
  }),
};

const UNICAST = (own: string, peer: string) => ({ set: { unicast_src_ip: own }, more: ['unicast_peer {', peer, '}'] });

const mutual: Rule = {
  code: 'node-unicast-not-mutual',
  severity: 'error',
  title: 'unicast peers that do not list each other',
  why: 'a node that is not listed gets no adverts, so it becomes master beside the other one.',
  fix: 'list in unicast_peer the unicast_src_ip of every other node',
  wrong: [instance(UNICAST('10.0.0.1', '10.0.0.2')), second(UNICAST('10.0.0.3', '10.0.0.1'))],
  right: [instance(UNICAST('10.0.0.1', '10.0.0.2')), second(UNICAST('10.0.0.2', '10.0.0.1'))],
  across: ofPairs((pair) => {
    const { first, other, nodes } = pair;
    if ((first.peers.length === 0) !== (other.peers.length === 0)) {
      const [by] = first.peers.length === 0 ? [nodes[1].path] : [nodes[0].path];
      return { at: other.statement.keyword, message: `${other.name} uses unicast in ${by} only` };
    }
    const lists = ({ peers }: Instance, ip: string | undefined) =>
      ip === undefined || peers.some(({ keyword }) => ipOf(keyword.text) === ip);
    if (first.peers.length === 0 || [...first.peers, ...other.peers].some(({ line }) => line.unclear)) return undefined;
    if (!lists(first, other.sourceIp)) return markAt(pair, 'unicast_src_ip', `${other.sourceIp} is not among the peers`);
    if (!lists(other, first.sourceIp))
      return markAt(pair, 'unicast_peer', `the peers lack ${first.sourceIp}, the source address`);
    return undefined;
  }),
};

/** The greatest change of its priority that tracking can make, as a number above 0. */
function reach(one: Instance, { trackers }: Config): number {
  return one.tracks.reduce((sum, { kind, name, weight }) => {
    const defined = trackers.find((tracker) => tracker.kind === kind && tracker.name === name.text)?.weight ?? 0;
    return sum + Math.abs(weight ?? defined);
  }, 0);
}

const weightSmall: Rule = {
  code: 'node-weight-small',
  severity: 'error',
  title: 'weights too small to change who is master',
  why: 'when everything that is tracked fails on the master, its priority is still the higher one, so nothing ever moves.',
  fix: 'make the weight greater than the difference of the priorities',
  wrong: [script(['weight -5']) + instance({ more: TRACKING }), script(['weight -5']) + second({ more: TRACKING })],
  right: [script(['weight -20']) + instance({ more: TRACKING }), script(['weight -20']) + second({ more: TRACKING })],
  across: ofPairs((pair) => {
    const { first, other, nodes } = pair;
    if (first.priority === undefined || other.priority === undefined || first.priority === other.priority) return undefined;
    const [high, config, low] = first.priority > other.priority ? [first, nodes[0], other] : [other, nodes[1], first];
    const weight = reach(high, config);
    const difference = high.priority! - low.priority!;
    const isFault = high.tracks.some(({ kind, weight: own, name }) => {
      const defined = config.trackers.find((t) => t.kind === kind && t.name === name.text)?.weight ?? 0;
      return (own ?? defined) === 0;
    });
    if (weight === 0 || isFault || weight > difference || has255(high)) return undefined;
    const [track] = high.tracks;
    const place = low === first ? nodes[0].path : nodes[1].path;
    const message = `the weights of ${high.name} are ${weight} in all; ${low.priority} in ${place} is lower by ${difference}`;
    return { at: track!.name, message };
  }),
};

const has255 = ({ basePriority }: Instance) => basePriority === 255;

const alone: Rule = {
  code: 'node-instance-missing',
  severity: 'warning',
  title: 'instance on one node only',
  why: 'its addresses have nowhere to go when the node fails.',
  fix: 'define it on every node',
  wrong: [instance() + instance({ name: 'VI_2', set: { virtual_router_id: '52' }, vips: ['192.0.2.2/24'] }), second()],
  right: [instance(), second()],
  across: (nodes) => {
    const matched = new Set(pairs(nodes).flatMap(({ first, other }) => [first, other]));
    return nodes.flatMap((node) => {
      return kept(node).flatMap((one) =>
        matched.has(one) ? [] : [{ at: one.statement.keyword, message: `no other node has ${one.name}` }],
      );
    });
  },
};

const groups: Rule = {
  code: 'node-sync-group-differs',
  severity: 'error',
  title: 'sync group differs between nodes',
  why: 'the nodes move different instances together, so each may be master of a part.',
  fix: 'list the same members in the group on every node',
  wrong: [
    instance() +
      instance({ name: 'VI_2', set: { virtual_router_id: '52' }, vips: ['192.0.2.2/24'] }) +
      'vrrp_sync_group G {\n  group {\n    VI_1\n    VI_2\n  }\n}\n',
    second() + second({ name: 'VI_2', set: { virtual_router_id: '52' }, vips: ['192.0.2.2/24'] }),
  ],
  right: [instance(), second()],
  across: (nodes) =>
    nodes.slice(1).flatMap((node) => {
      const [first] = nodes as readonly [Config];
      const named = (config: Config) => new Map(config.groups.map((group) => [membersOf(group.members), group]));
      const [mine, theirs] = [named(first), named(node)];
      const lacking = [...mine].filter(([members]) => !theirs.has(members));
      const extra = [...theirs].filter(([members]) => !mine.has(members));
      return [
        ...lacking.map(([members, { statement }]) => ({
          at: statement.keyword,
          message: `${node.path} has no group of ${members}`,
        })),
        ...extra.map(([members, { statement }]) => ({
          at: statement.keyword,
          message: `${first.path} has no group of ${members}`,
        })),
      ];
    }),
};

function membersOf(members: readonly { readonly text: string }[]): string {
  return members
    .map(({ text }) => text)
    .sort()
    .join(', ');
}

export const crossNode: readonly Rule[] = [
  priorityEqual,
  bothMaster,
  routerId,
  advertInterval,
  version,
  auth,
  addresses,
  mutual,
  weightSmall,
  alone,
  groups,
];
