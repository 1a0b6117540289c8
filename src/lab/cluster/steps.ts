/** Steps that several scenarios of the cluster have. */
import type { ClusterLab, Ran } from './cluster-lab.ts';
import type { Step } from './scenario.ts';
import type { Server } from './server.ts';

export const serverOf = (lab: ClusterLab, name: string): Server => lab.servers.find((server) => server.name === name)!;

/** Whether it is so of each server. */
export const everywhere = (ask: (server: Server) => Promise<boolean>) => async (lab: ClusterLab) =>
  (await Promise.all(lab.servers.map(ask))).every(Boolean);

interface Said {
  readonly verdicts: readonly { readonly verdict: string; readonly rack?: string }[];
}

export const says = (server: string, verdict: string, withinMs: number, rack?: string): Step => ({
  what: `${server} says ${verdict}${rack === undefined ? '' : ` of ${rack}`}`,
  withinMs,
  until: async (lab) => {
    const { verdicts } = await serverOf(lab, server).agent.get<Said>('/api/v1/verdicts');
    return verdicts.some((each) => each.verdict === verdict && each.rack === rack);
  },
});

/** Real servers by name have weight 0 in every data plane. */
export const outEverywhere = (names: readonly string[], withinMs: number): Step => ({
  what: `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} out of service everywhere`,
  withinMs,
  until: everywhere(async (server) => {
    const { reduced } = await server.dataplane();
    const members = server.layout.services.flatMap(({ name, realServers }) =>
      realServers.filter((rs) => names.includes(rs.name)).map((rs) => `realServer ${name} ${rs.address}`),
    );
    return members.every((member) => reduced[member] === 0);
  }),
});

/** Every server follows etcd, or none does. */
export const connected = (isSo: boolean): Step => ({
  what: isSo ? 'every server follows etcd' : 'every server has noticed',
  withinMs: 30_000,
  until: everywhere(async ({ agent }) => (await agent.metric('fourlane_cluster_connected')) === (isSo ? 1 : 0)),
});

/** A release of the lab's services with another check, which is not rolled out. */
export async function makeRelease(
  lab: ClusterLab,
  check: object,
  why: string,
): Promise<{ readonly n: number; readonly file: string }> {
  const file = lab.release(check);
  const { out } = await lab.expect(0, 'release', file, '--why', why, '--json');
  return { n: (JSON.parse(out) as { release: { n: number } }).release.n, file };
}

/** A rollout in stages that has to be given back: how it begins, and how it ends. */
export function badRollout(release: () => number): { readonly begins: Step; readonly ends: Step } {
  let ended: Ran | undefined;
  const begin = async (lab: ClusterLab) => {
    ended = await lab.fourlane('rollout', String(release()), '--stage', 'canary:60s', '--stage', 'rest:0s');
  };
  return {
    begins: { what: 'fourlane cluster rollout begins with the canary', make: (lab) => void begin(lab) },
    ends: {
      what: 'the rollout has halted by itself and is given back',
      withinMs: 45_000,
      until: () => {
        if (ended === undefined) return false;
        if (ended.code === 1 && ended.out.includes('rolledBack')) return ended.out.trim().split('\n').at(-1)!;
        throw new Error(`${ended.code}: ${ended.out}${ended.err}`);
      },
    },
  };
}
