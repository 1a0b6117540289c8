/** Names behind the counts of a difference: VIPs and real servers that come and go. */
import { type Content, realServersOf, vipsOf } from '../release/content.ts';

export interface Names {
  readonly vips: { readonly added: readonly string[]; readonly removed: readonly string[] };
  /** `SERVICE ADDRESS`. */
  readonly realServers: { readonly added: readonly string[]; readonly removed: readonly string[] };
}

const without = (a: ReadonlySet<string>, b: ReadonlySet<string>) => [...a].filter((each) => !b.has(each)).toSorted();

function pairs({ services }: Content): ReadonlySet<string> {
  return new Set([...services].flatMap(([key, service]) => realServersOf(service).map(({ address }) => `${key} ${address}`)));
}

/** What comes and goes from one content to the other. */
export function namesOf(before: Content, after: Content): Names {
  const [vips, servers] = [
    [vipsOf(before), vipsOf(after)],
    [pairs(before), pairs(after)],
  ] as const;
  return {
    vips: { added: without(vips[1], vips[0]), removed: without(vips[0], vips[1]) },
    realServers: { added: without(servers[1], servers[0]), removed: without(servers[0], servers[1]) },
  };
}
