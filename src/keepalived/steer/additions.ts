/** What a keepalived.conf lacks so that evidence of fourlane steers its VRRP instances. Pure. */
import type { Config } from '../config/config.ts';
import { has, wordIn } from '../config/values.ts';
import type { Instance, SyncGroup } from '../config/vrrp.ts';
import type { Span } from '../read/source.ts';
import { type Pair, type Weights, weightsFor } from './weights.ts';

/** A file that fourlane writes: 0 good, 1 not. */
export interface Evidence {
  /** '' for all of the load balancer. */
  readonly nic: string;
  readonly path: string;
}

export interface Wish {
  readonly evidence: readonly Evidence[];
  /** NICs that may be out at a time. */
  readonly mostNics: number;
  /** Priority of an instance on the other node; undefined when it is not known. */
  readonly peerOf: (instance: string) => number | undefined;
  /** FIFO that keepalived is to write to; undefined: none. */
  readonly fifo: string | undefined;
}

/** A line of a `track_file` block. */
export interface TrackLine {
  readonly name: string;
  /** Negative, or 0: a fault. */
  readonly weight: number;
}

/** What an instance or a group is to track. */
export interface Tracking {
  readonly kind: 'vrrp_instance' | 'vrrp_sync_group';
  readonly name: string;
  readonly at: Span;
  /** Before its closing brace; undefined when it has none. */
  readonly close: Span | undefined;
  readonly lines: readonly TrackLine[];
  /** Why these weights, or why there are none. */
  readonly remarks: readonly string[];
  /** The configuration must be changed first. */
  readonly unsolved: boolean;
}

export interface Additions {
  readonly definitions: readonly { readonly name: string; readonly path: string }[];
  readonly trackings: readonly Tracking[];
  /** Lines of `global_defs`. */
  readonly globals: readonly string[];
}

/** Works out what is to be added; what the configuration has already is left out. */
export function additionsTo(config: Config, wish: Wish): Additions {
  const known = new Map(
    config.trackers.flatMap((tracker) => {
      const path = tracker.kind === 'file' ? wordIn(tracker.block, 'file')?.text : undefined;
      return path === undefined ? [] : [[path, tracker.name] as const];
    }),
  );
  const named = wish.evidence.map((evidence) => ({ ...evidence, name: known.get(evidence.path) ?? nameOf(evidence) }));
  return {
    definitions: named.filter(({ path }) => !known.has(path)).map(({ name, path }) => ({ name, path })),
    trackings: unitsOf(config).map((unit) => trackingOf(unit, wish, named)),
    globals: globalsOf(config, wish.fifo),
  };
}

const nameOf = ({ nic }: Evidence) => (nic === '' ? 'fourlane_isolated' : `fourlane_${nic}`);

/** What changes state as one: a group with its instances, or an instance that is in none. */
interface Unit {
  readonly group: SyncGroup | undefined;
  readonly instances: readonly [Instance, ...Instance[]];
}

function unitsOf({ instances, groups }: Config): readonly Unit[] {
  const byName = new Map(instances.map((instance) => [instance.name, instance]));
  const taken = new Set<Instance>();
  const grouped = groups.flatMap((group): readonly Unit[] => {
    const members = group.members.flatMap(({ text }) => byName.get(text) ?? []).filter((member) => !taken.has(member));
    for (const member of members) taken.add(member);
    const [first, ...others] = members;
    return first === undefined ? [] : [{ group, instances: [first, ...others] }];
  });
  return [...grouped, ...instances.filter((one) => !taken.has(one)).map((one): Unit => ({ group: undefined, instances: [one] }))];
}

type Named = Evidence & { readonly name: string };

function trackingOf({ group, instances }: Unit, wish: Wish, named: readonly Named[]): Tracking {
  const owner = group ?? instances[0];
  const { lines, remarks } = linesFor(instances, wish, named);
  const unsolved = lines.length === 0;
  const tracked = new Set(owner.tracks.flatMap((track) => (track.kind === 'file' ? [track.name.text] : [])));
  return {
    kind: group === undefined ? 'vrrp_instance' : 'vrrp_sync_group',
    name: owner.name,
    at: owner.statement.keyword,
    close: owner.block?.close,
    lines: lines.filter(({ name }) => !tracked.has(name)),
    remarks,
    unsolved,
  };
}

type Lines = Pick<Tracking, 'lines' | 'remarks'>;

function linesFor(instances: Unit['instances'], { mostNics, peerOf }: Wish, named: readonly Named[]): Lines {
  const owner = instances.find(({ basePriority }) => basePriority === 255);
  if (owner !== undefined)
    return {
      lines: [],
      remarks: [`${owner.name} has priority 255, whose weights keepalived ignores: give it at most 254, and run this again`],
    };
  const held = instances.find(({ nopreempt }) => nopreempt !== undefined);
  if (held !== undefined) return withoutWeights(held.name, named);
  const pairs = instances.flatMap(({ name, basePriority: own }): readonly Pair[] => {
    const peer = peerOf(name);
    return peer === undefined ? [] : [{ own, peer, mostNics }];
  });
  const weights = weightsFor(pairs);
  if (weights === undefined) return { lines: [], remarks: tooFar(pairs) };
  const lines = named.map(({ nic, name }) => ({ name, weight: -(nic === '' ? weights.isolated : weights.nic) }));
  return { lines, remarks: [...pairs.map(({ own, peer }) => why(own, peer, weights)), ...RULE, ...alike(weights)] };
}

const RULE = [
  'The other node must have the same weights: equal faults on both sides then move nothing, and the node',
  'with fewer faults is master.',
];

function why(own: number, peer: number, { nic }: Weights): string {
  if (own === peer) return `${own} here and there: ${nic} is enough to fall below the other node, and who is master stays so.`;
  const [high, low] = [Math.max(own, peer), Math.min(own, peer)];
  return `${own} here, ${peer} on the other node: ${high} - ${nic} = ${high - nic} is below ${low}.`;
}

function alike({ order }: Weights): readonly string[] {
  if (order === 'isolation first') return [];
  return ['The priorities are too far apart for an isolation to weigh more than all NICs: it counts as one NIC.'];
}

function tooFar(pairs: readonly Pair[]): readonly string[] {
  const [{ own, peer } = { own: 0, peer: 0 }] = pairs;
  const [mine, theirs] = own === peer ? ['100', '100'] : own > peer ? ['101', '100'] : ['100', '101'];
  return [
    `The priorities ${own} here and ${peer} on the other node are too far apart, or too low: some faults would end at the`,
    `least priority, 1, on both nodes. Write priority ${mine} here and ${theirs} there, and run this again.`,
  ];
}

function withoutWeights(name: string, named: readonly Named[]): Lines {
  const lines = named.filter(({ nic }) => nic === '').map((evidence) => ({ name: evidence.name, weight: 0 }));
  return {
    lines,
    remarks: [
      `${name} has nopreempt, with which a lower priority moves nothing. Weight 0 makes an isolation a fault: this node gives up`,
      'the addresses, whether or not the other one is better. NICs are left out: one bad NIC on each node would leave nobody',
      'with the addresses. For evidence of NICs give both nodes the same priority and remove nopreempt: a master then stays',
      'master after a recovery too.',
    ],
  };
}

function globalsOf({ globals }: Config, fifo: string | undefined): readonly string[] {
  const written = (name: string) => globals.some(({ block }) => has(block, name));
  if (fifo === undefined || written('vrrp_notify_fifo') || written('notify_fifo')) return [];
  // script_user first: without it the FIFO falls silent after a reload (2.2).
  return [...(written('script_user') ? [] : ['script_user root']), `vrrp_notify_fifo ${fifo}`];
}
