/** What a release changes, from content to content. Only shards whose hashes differ are looked at. */
import { canonical } from '../../model/canonical.ts';
import { type Content, realServersOf, vipsOf } from './content.ts';

export interface ContentDiff {
  /** Keys of services. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  readonly baseChanged: boolean;
  readonly vips: Counted;
  /** Pairs of service and address. */
  readonly realServers: Counted;
  /** Services that had a real server with weight and have none now. */
  readonly emptied: readonly string[];
}

interface Counted {
  readonly before: number;
  readonly after: number;
  readonly added: number;
  readonly removed: number;
}

function counted(before: ReadonlySet<string>, after: ReadonlySet<string>): Counted {
  let kept = 0;
  for (const each of after) if (before.has(each)) kept++;
  return { before: before.size, after: after.size, added: after.size - kept, removed: before.size - kept };
}

function pairsOf({ services }: Content): ReadonlySet<string> {
  const pairs = new Set<string>();
  for (const [key, service] of services) for (const { address } of realServersOf(service)) pairs.add(`${key} ${address}`);
  return pairs;
}

const hasWeight = (content: Content, key: string) =>
  realServersOf(content.services.get(key) ?? {}).some(({ weight }) => weight > 0);

/** The difference between what runs and what would. */
export function diffContent(old: Content, next: Content): ContentDiff {
  const keys = [...next.services.keys()];
  const isOther = (key: string) => {
    const [before, after] = [old.services.get(key), next.services.get(key)];
    return before !== after && canonical(before) !== canonical(after);
  };
  const both = keys.filter((key) => old.services.has(key));
  return {
    added: keys.filter((key) => !old.services.has(key)),
    removed: [...old.services.keys()].filter((key) => !next.services.has(key)),
    changed: both.filter(isOther),
    baseChanged: canonical(old.base) !== canonical(next.base),
    vips: counted(vipsOf(old), vipsOf(next)),
    realServers: counted(pairsOf(old), pairsOf(next)),
    emptied: both.filter((key) => hasWeight(old, key) && !hasWeight(next, key)),
  };
}

/** `2 services added, 1 changed; real servers: 4 added, 1 removed`: one line for people. */
export function diffText({ added, removed, changed, baseChanged, realServers }: ContentDiff): string {
  const services = [
    [added.length, 'added'],
    [removed.length, 'removed'],
    [changed.length, 'changed'],
  ] as const;
  const counts = services.filter(([count]) => count > 0).map(([count, how]) => `${count} ${how}`);
  const parts = [
    ...(counts.length === 0 ? [] : [`services: ${counts.join(', ')}`]),
    ...(realServers.added + realServers.removed === 0
      ? []
      : [`real servers: ${realServers.added} added, ${realServers.removed} removed`]),
    ...(baseChanged ? ['checks or rules changed'] : []),
  ];
  return parts.length === 0 ? 'nothing changes' : parts.join('; ');
}
