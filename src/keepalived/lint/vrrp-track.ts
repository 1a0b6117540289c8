/** What instances and groups track, and the groups. */
import type { Config } from '../config/config.ts';
import { has, rowsIn } from '../config/values.ts';
import type { Instance, SyncGroup, Track, Tracker } from '../config/vrrp.ts';
import { everyStatement, statementOf } from '../read/tree.ts';
import { instance, script, TRACKING } from './examples.ts';
import { each, kept, lineAt, repeated } from './marks.ts';
import type { Mark, Rule } from './rule.ts';

/** Greatest weight on a line, by what is tracked. */
const MOST_WEIGHT: Readonly<Record<Track['kind'], number>> = { interface: 253, script: 253, bfd: 253, file: 254, process: 254 };
const KEYWORDS: Readonly<Record<Tracker['kind'], string>> = {
  script: 'vrrp_script',
  file: 'track_file',
  process: 'vrrp_track_process',
  bfd: 'bfd_instance',
};

interface Tracking {
  readonly track: Track;
  readonly owner: Instance | SyncGroup;
  readonly tracker: Tracker | undefined;
}

/** Every line that tracks, with what it names. */
function trackings(config: Config): Tracking[] {
  const byName = new Map(config.trackers.map((tracker) => [`${tracker.kind} ${tracker.name}`, tracker]));
  return [...kept(config), ...config.groups].flatMap((owner) =>
    owner.tracks.map((track) => ({ track, owner, tracker: byName.get(`${track.kind} ${track.name.text}`) })),
  );
}

/** The weight that a line has in the end; 0: a failure is a fault. */
function weightOf({ track, tracker }: Tracking): number {
  return track.weight ?? tracker?.weight ?? 0;
}

const undefinedTracker: Rule = {
  code: 'track-undefined',
  severity: 'error',
  title: 'tracking of what is not defined',
  why: 'keepalived ignores the line, so nothing is watched and no failure is ever noticed.',
  fix: 'define it, or correct the name',
  wrong: instance({ more: ['track_script {', 'chk_web', '}'] }),
  right: script() + instance({ more: TRACKING }),
  check: (config) =>
    each(trackings(config), ({ track, tracker, owner }) => {
      if (track.kind === 'interface' || tracker !== undefined || track.name.unclear) return undefined;
      return { at: track.name, message: `${owner.name} tracks ${track.name.text}, and no ${KEYWORDS[track.kind]} has that name` };
    }),
};

const usedBefore: Rule = {
  code: 'track-before-definition',
  severity: 'error',
  title: 'tracking before the definition',
  why: 'keepalived looks for the name when it reads the line, does not find it, and ignores the line.',
  fix: 'move the definition in front of the instances and groups that use it',
  wrong: instance({ more: TRACKING }) + script(),
  right: script() + instance({ more: TRACKING }),
  check: (config) => {
    const order = new Map(config.tree.root.statements.map((statement, i) => [statement, i]));
    return each(trackings(config), ({ track, tracker, owner }) => {
      if (tracker === undefined) return undefined;
      const [defined, used] = [order.get(tracker.statement) ?? 0, order.get(owner.statement) ?? 0];
      if (defined < used) return undefined;
      return { at: track.name, message: `${tracker.name} is defined below, in ${lineAt(tracker.statement.keyword, track.name)}` };
    });
  },
};

const weightInvalid: Rule = {
  code: 'track-weight-invalid',
  severity: 'error',
  title: 'line of a track block that is not valid',
  why: 'keepalived ignores the line or its weight.',
  fix: 'write a name, or a name with weight, a number from -253 to 253 and perhaps reverse',
  wrong: script() + instance({ more: ['track_script {', 'chk weight 300', '}'] }),
  right: script() + instance({ more: ['track_script {', 'chk weight 30', '}'] }),
  check: (config) =>
    each(trackings(config), ({ track }): Mark | undefined => {
      const [word, number, reverse] = track.at.args;
      if (word === undefined || word.unclear) return undefined;
      if (word.text !== 'weight') return { at: word, message: `${word.text} means nothing behind the name` };
      if (number === undefined) return { at: word, message: 'no number follows weight' };
      if (number.unclear) return undefined;
      const most = MOST_WEIGHT[track.kind];
      if (track.weight === undefined || Math.abs(track.weight) > most)
        return { at: number, message: `found ${number.text}; allowed: -${most} to ${most}` };
      const isWrong = reverse !== undefined && !['reverse', 'noreverse'].includes(reverse.text);
      return isWrong ? { at: reverse, message: `found ${reverse.text}; allowed: reverse, noreverse` } : undefined;
    }),
};

const twice: Rule = {
  code: 'track-twice',
  severity: 'error',
  title: 'one thing tracked twice',
  why: 'keepalived ignores the second line, whatever its weight is.',
  fix: 'remove one of the lines',
  wrong: script() + instance({ more: ['track_script {', 'chk', 'chk weight 10', '}'] }),
  right: script() + instance({ more: TRACKING }),
  check: (config) =>
    [...kept(config), ...config.groups].flatMap(({ tracks, name }) =>
      each(
        repeated(tracks, (track) => `${track.kind} ${track.name.text} ${track.at.line.condition}`),
        ({ first, again }) => {
          return { at: again.name, message: `${name} tracks ${again.name.text} in ${lineAt(first.name, again.name)} already` };
        },
      ),
    ),
};

const nopreemptWeight: Rule = {
  code: 'track-weight-nopreempt',
  severity: 'warning',
  title: 'weight together with nopreempt',
  why: 'a lower priority makes nobody take over from a master that still sends adverts when the other node has nopreempt too.',
  fix: 'leave out the weight, so that a failure is a fault and the node gives up the addresses; or leave out nopreempt',
  wrong: script(['weight -20']) + instance({ more: ['nopreempt', ...TRACKING] }),
  right: script() + instance({ more: ['nopreempt', ...TRACKING] }),
  check: (config) =>
    each(trackings(config), (tracking) => {
      const { owner, track } = tracking;
      const weight = weightOf(tracking);
      if (!('nopreempt' in owner) || owner.nopreempt === undefined || owner.state === 'MASTER' || weight === 0) return undefined;
      return {
        at: track.name,
        message: `${track.name.text} changes the priority of ${owner.name} by ${weight}, which nopreempt ignores`,
      };
    }),
};

const ownerWeight: Rule = {
  code: 'track-weight-owner',
  severity: 'error',
  title: 'weight with priority 255',
  why: 'the priority of the owner never changes, so keepalived ignores what is tracked with a weight.',
  fix: 'use a priority of at most 254, or a weight of 0',
  wrong: script(['weight -20']) + instance({ set: { state: undefined, priority: '255' }, more: TRACKING }),
  right: script(['weight -20']) + instance({ set: { priority: '254' }, more: TRACKING }),
  check: (config) =>
    each(trackings(config), (tracking) => {
      const { owner, track } = tracking;
      if (!('basePriority' in owner) || owner.basePriority !== 255 || weightOf(tracking) === 0) return undefined;
      return {
        at: track.name,
        message: `${track.name.text} has weight ${weightOf(tracking)}; the priority of ${owner.name} is 255`,
      };
    }),
};

/** The group of each instance that is in one. */
function groupsOf({ groups }: Config): Map<string, SyncGroup> {
  return new Map(groups.flatMap((group) => group.members.map((member) => [member.text, group] as const)));
}

const syncWeight: Rule = {
  code: 'sync-weight-ignored',
  severity: 'error',
  title: 'weight in an instance of a sync group',
  why: 'members of a group change state together, so keepalived ignores what a member tracks with a weight.',
  fix: 'track without a weight, track in the group, or write sync_group_tracking_weight there',
  wrong:
    script(['weight -20']) +
    instance({ more: TRACKING }) +
    instance({ name: 'VI_2', set: { virtual_router_id: '52' }, vips: ['192.0.2.2/24'] }) +
    'vrrp_sync_group G {\n  group {\n    VI_1\n    VI_2\n  }\n}\n',
  right:
    script(['weight -20']) +
    instance({ more: TRACKING }) +
    instance({ name: 'VI_2', set: { virtual_router_id: '52' }, vips: ['192.0.2.2/24'] }) +
    'vrrp_sync_group G {\n  group {\n    VI_1\n    VI_2\n  }\n  sync_group_tracking_weight\n}\n',
  check: (config) => {
    const groups = groupsOf(config);
    return each(trackings(config), (tracking) => {
      const { owner, track } = tracking;
      const group = 'vips' in owner && owner.basePriority !== 255 ? groups.get(owner.name) : undefined;
      if (group === undefined || weightOf(tracking) === 0 || has(group.block, 'sync_group_tracking_weight')) return undefined;
      if (has(group.block, 'global_tracking')) return undefined;
      return {
        at: track.name,
        message: `the weight of ${track.name.text} is ignored: ${owner.name} is in the group ${group.name}`,
      };
    });
  },
};

const PAIR = instance() + instance({ name: 'VI_2', set: { virtual_router_id: '52' }, vips: ['192.0.2.2/24'] });

const syncUnknown: Rule = {
  code: 'sync-member-unknown',
  severity: 'error',
  title: 'member of a sync group that does not exist',
  why: 'keepalived leaves it out, so the instance that was meant does not move along.',
  fix: 'correct the name, or define the instance',
  wrong: `${PAIR}vrrp_sync_group G {\n  group {\n    VI_1\n    VI_2\n    VI_3\n  }\n}\n`,
  right: `${PAIR}vrrp_sync_group G {\n  group {\n    VI_1\n    VI_2\n  }\n}\n`,
  check: ({ groups, instances }) => {
    const names = new Set(instances.map(({ name }) => name));
    return groups.flatMap(({ members, name }) =>
      each(members, (member) => {
        if (names.has(member.text) || member.unclear) return undefined;
        return { at: member, message: `${name} has a member ${member.text}, and no vrrp_instance has that name` };
      }),
    );
  },
};

const syncTwice: Rule = {
  code: 'sync-member-twice',
  severity: 'error',
  title: 'instance in two sync groups',
  why: 'keepalived keeps it in the first one only.',
  fix: 'leave it in one group',
  wrong: `${PAIR}${'GH'.replace(/./g, 'vrrp_sync_group $& {\n  group {\n    VI_1\n    VI_2\n  }\n}\n')}`,
  right: `${PAIR}vrrp_sync_group G {\n  group {\n    VI_1\n    VI_2\n  }\n}\n`,
  check: ({ groups }) => {
    const all = groups.flatMap(({ members, name, statement }) => members.map((member) => ({ member, name, statement })));
    return each(
      repeated(all, ({ member, statement }) => `${member.text} ${statement.line.condition}`),
      ({ first, again }) => {
        return {
          at: again.member,
          message: `${again.member.text} is in ${first.name} already (${lineAt(first.member, again.member)})`,
        };
      },
    );
  },
};

const syncAlone: Rule = {
  code: 'sync-group-small',
  severity: 'warning',
  title: 'sync group of fewer than two instances',
  why: 'there is nothing to keep together; an instance may have been forgotten.',
  fix: 'add the other instances, or remove the group',
  wrong: `${instance()}vrrp_sync_group G {\n  group {\n    VI_1\n  }\n}\n`,
  right: `${PAIR}vrrp_sync_group G {\n  group {\n    VI_1\n    VI_2\n  }\n}\n`,
  check: ({ groups }) =>
    each(groups, ({ members, name, statement, block }) => {
      if (members.length > 1 || block?.statements.some(({ spec }) => spec === undefined) === true) return undefined;
      return {
        at: statement.keyword,
        message: `${name} has ${members.length === 0 ? 'no member' : `one member, ${members[0]!.text}`}`,
      };
    }),
};

const unused: Rule = {
  code: 'script-unused',
  severity: 'warning',
  title: 'script that nothing tracks',
  why: 'keepalived removes it: it never runs, and no failure that it would see has an effect.',
  fix: 'name it in track_script of an instance or a group, or remove it',
  wrong: script() + instance(),
  right: script() + instance({ more: TRACKING }),
  check: (config) => {
    const named = new Set<string>();
    // Wherever it is named: a track_script in a wrong place is reported as that.
    for (const { name, block, args } of everyStatement(config.tree.root)) {
      if (name !== 'track_script') continue;
      for (const { keyword } of block?.statements ?? []) named.add(keyword.text);
      for (const word of args) named.add(word.text);
    }
    return each(config.trackers, ({ kind, name, statement }) => {
      if (kind !== 'script' || named.has(name)) return undefined;
      return { at: statement.args[0] ?? statement.keyword, message: `nothing tracks ${name}` };
    });
  },
};

const fileMissing: Rule = {
  code: 'track-file-no-file',
  severity: 'error',
  title: 'track_file or vrrp_track_process that names nothing',
  why: 'keepalived drops it, and with it every line that tracks it.',
  fix: 'write file and a path, or process and the name of a program',
  wrong: `track_file f {\n  weight 1\n}\n${instance({ more: ['track_file {', 'f', '}'] })}`,
  right: `track_file f {\n  file /run/f\n  weight 1\n}\n${instance({ more: ['track_file {', 'f', '}'] })}`,
  check: ({ trackers }) =>
    each(trackers, ({ kind, statement, block, name }) => {
      const wanted = kind === 'file' ? 'file' : kind === 'process' ? 'process' : undefined;
      if (wanted === undefined || statementOf(block, wanted) !== undefined) return undefined;
      return { at: statement.keyword, message: `${name} has no ${wanted}` };
    }),
};

const bfdNoNeighbour: Rule = {
  code: 'bfd-no-neighbor',
  severity: 'error',
  title: 'BFD instance without a neighbour',
  why: 'keepalived drops the instance.',
  fix: 'write neighbor_ip and an address',
  wrong: `bfd_instance b {\n  min_rx 100\n}\n${instance({ more: ['track_bfd {', 'b', '}'] })}`,
  right: `bfd_instance b {\n  neighbor_ip 10.0.0.2\n}\n${instance({ more: ['track_bfd {', 'b', '}'] })}`,
  check: ({ trackers }) =>
    each(trackers, ({ kind, statement, block, name }) => {
      if (kind !== 'bfd' || has(block, 'neighbor_ip') || has(block, 'neighbour_ip')) return undefined;
      return { at: statement.keyword, message: `${name} has no neighbor_ip` };
    }),
};

const ownInterface: Rule = {
  code: 'track-own-interface',
  severity: 'info',
  title: 'tracking of the own interface',
  why: 'an instance tracks its interface anyway, unless dont_track_primary is written: the line does nothing.',
  fix: 'remove the line, or track another interface that the service needs',
  wrong: instance({ more: ['track_interface {', 'eth0', '}'] }),
  right: instance({ more: ['track_interface {', 'eth1', '}'] }),
  check: (config) =>
    each(kept(config), (one) => {
      const row = rowsIn(one.block, 'track_interface').find(({ keyword }) => keyword.text === one.interface?.text);
      if (row === undefined || has(one.block, 'dont_track_primary') || row.args.length > 0) return undefined;
      return { at: row.keyword, message: `${row.keyword.text} is the interface of ${one.name}` };
    }),
};

export const vrrpTrack: readonly Rule[] = [
  undefinedTracker,
  usedBefore,
  weightInvalid,
  twice,
  nopreemptWeight,
  ownerWeight,
  ownInterface,
  syncWeight,
  syncUnknown,
  syncTwice,
  syncAlone,
  unused,
  fileMissing,
  bfdNoNeighbour,
];
