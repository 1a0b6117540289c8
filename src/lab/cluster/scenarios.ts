/** The scenarios that the lab of a cluster can play: how each is made, what must come, by when. docs/lab.md lists them. */
import { chain, lose } from '../scripts.ts';
import type { ClusterLab } from './cluster-lab.ts';
import type { ClusterScenario, Step } from './scenario.ts';
import { badRollout, connected, everywhere, makeRelease, outEverywhere, says, serverOf } from './steps.ts';
import { balancers, inRack, VIPS } from './topology.ts';

const [canary, second, third] = balancers.map(({ name }) => name) as [string, string, string];
const isOfService = (service: string) => (stream: string) => stream === service || stream.startsWith(`${service}@`);
const isOfServer = (server: string) => (stream: string) => stream.endsWith(`@${server}`);
/** Wherever routing sends it. */
const isRouted = (stream: string) => !stream.includes('@');
/** A real server that is down for all; through one NIC first, where the other one's check is a moment later. */
const isDown = ({ verdict, cause }: { readonly verdict: string; readonly cause: string }) =>
  verdict === 'PATH' || (verdict === 'RS_DOWN' && cause !== 'local_path');
const nobody = () => false;
const all = () => true;

const triedBy = (lab: ClusterLab, release: number) =>
  lab.servers.filter(({ tried }) => tried.has(release)).map(({ name }) => name);

const onlyTheCanary = (release: () => number): Step => ({
  what: `${canary} has tried it, ${second} and ${third} have not`,
  until: (lab) => triedBy(lab, release()).join() === canary,
});

const rackDies: ClusterScenario = {
  name: 'rack-dies',
  title: 'a rack dies: seen by all servers, a fault of the rack',
  steps: () => [
    { what: 'rack 2 loses what comes for its real servers', make: (lab) => lab.nft('rack2', lose(inRack(2), 'input')) },
    ...balancers.map(({ name }) => says(name, 'RACK_FAULT', 15_000, 'rack2')),
    outEverywhere(
      inRack(2).map(({ name }) => name),
      15_000,
    ),
    {
      what: 'every server has told the others of them',
      withinMs: 15_000,
      until: everywhere(async ({ agent }) => (await agent.metric('fourlane_cluster_evidence_bad')) === inRack(2).length),
    },
  ],
  hurts: isOfService('web'),
  cured: all,
  says: (_, { verdict, rack, cause }) => (verdict === 'RACK_FAULT' && rack === 'rack2') || isDown({ verdict, cause }),
};

const upstreamDies: ClusterScenario = {
  name: 'upstream-dies',
  title: 'behind both NICs of one server: it is the ill one, and withdraws',
  steps: () => [
    {
      what: `the router forwards nothing that comes from ${third} to the racks`,
      make: (lab) => {
        const ways = balancers.find(({ name }) => name === third)!.nics.map(({ far }) => `"${far}"`);
        lab.nft('tor', chain('forward', [`iifname { ${ways.join(', ')} } ip daddr 10.10.0.0/16 drop`]));
      },
    },
    says(third, 'AGENT_ILL', 20_000),
    {
      what: 'the budget "server" lets it withdraw',
      withinMs: 10_000,
      until: async (lab) => (await serverOf(lab, third).agent.metric('fourlane_cluster_budget_held', 'budget="server"')) === 1,
    },
    {
      what: `the router has no route to a VIP by ${third} any more`,
      withinMs: 15_000,
      until: (lab) => {
        const own = balancers.find(({ name }) => name === third)!.nics.map(({ far }) => far);
        return Object.values(VIPS).every((vip) => lab.waysTo(`${vip}/32`).every((device) => !own.includes(device)));
      },
    },
  ],
  hurts: (stream) => isRouted(stream) || isOfServer(third)(stream),
  // What routing sends goes to the two others now.
  cured: isRouted,
  says: (server) => server === third,
};

const badRelease: ClusterScenario = {
  name: 'bad-release',
  title: 'a release that is valid, and bad for real servers where it runs',
  steps: () => {
    let n = 0;
    const { begins, ends } = badRollout(() => n);
    return [
      {
        what: 'a release is made whose check asks a port that nobody listens on',
        make: async (lab) => {
          ({ n } = await makeRelease(lab, { connectPort: 8089 }, 'another port'));
        },
      },
      begins,
      ends,
      onlyTheCanary(() => n),
    ];
  },
  hurts: isOfServer(canary),
  cured: all,
  says: (server) => server === canary,
};

const poisonRelease: ClusterScenario = {
  name: 'poison-release',
  title: 'a release that crashes the agent of the canary, twice',
  steps: () => {
    let [n, file] = [0, ''];
    const { begins, ends } = badRollout(() => n);
    const startAgain = (lab: ClusterLab) =>
      serverOf(lab, canary).startAgent({ again: true, env: { FOURLANE_CHAOS_KILL_AT: `applied@${n}` } });
    const hasEnded = (lab: ClusterLab) => serverOf(lab, canary).agent.ended !== undefined;
    const crashes = ['first', 'second'].flatMap((time): Step[] => [
      { what: `the agent of ${canary} crashes for the ${time} time`, withinMs: 20_000, until: hasEnded },
      { what: 'it is started again, as a service manager does', make: startAgain },
    ]);
    return [
      {
        what: `a release is made with which the agent of ${canary} will end as by kill -9`,
        make: async (lab) => {
          ({ n, file } = await makeRelease(lab, { interval: '900ms' }, 'crashes'));
          await serverOf(lab, canary).killAgent();
        },
      },
      { what: 'that agent has ended', until: hasEnded },
      { what: 'it is started with that weakness', make: startAgain },
      { what: 'it is well', withinMs: 20_000, until: async (lab) => (await serverOf(lab, canary).agent.unsettled()) === '' },
      begins,
      ...crashes,
      ends,
      {
        what: 'the same is refused by its hash',
        make: async (lab) => {
          const { out, err } = await lab.expect(1, 'release', file, '--why', 'once more', '--urgent');
          if (!/is poison/.test(out + err)) throw new Error(out + err);
        },
      },
      onlyTheCanary(() => n),
    ];
  },
  hurts: nobody,
  cured: nobody,
  says: nobody,
};

const etcdMemberLost: ClusterScenario = {
  name: 'etcd-member-lost',
  title: 'etcd loses the member that leads',
  steps: () => [
    { what: 'the leading member is killed', make: async (lab) => lab.etcd.kill(await lab.etcd.leader()) },
    {
      what: 'a release is applied by all servers',
      make: (lab) => lab.expect(0, 'release', lab.release({ timeout: '450ms' }), '--why', 'meanwhile', '--urgent'),
    },
    connected(true),
  ],
  hurts: nobody,
  cured: nobody,
  says: nobody,
};

const etcdGone: ClusterScenario = {
  name: 'etcd-gone',
  title: 'all of etcd is gone: what runs goes on, and starts without it',
  steps: () => [
    { what: 'all members are killed', make: (lab) => Promise.all(lab.etcd.members.map((n) => lab.etcd.kill(n))) },
    connected(false),
    { what: 'rs5 refuses', make: (lab) => lab.set({ rs: 'rs5', refuse: true }) },
    outEverywhere(['rs5'], 10_000),
    { what: `the agent of ${second} is killed`, make: (lab) => serverOf(lab, second).killAgent() },
    { what: 'it has ended', until: (lab) => serverOf(lab, second).agent.ended !== undefined },
    { what: 'and is started again', make: (lab) => serverOf(lab, second).startAgent({ again: true }) },
    {
      what: 'it runs the release that it has on its disk',
      withinMs: 20_000,
      until: async (lab) =>
        (await serverOf(lab, second).agent.get<{ services: unknown[] }>('/api/v1/status')).services.length === 2,
    },
    { what: 'all members are started again', make: (lab) => lab.etcd.members.forEach((n) => lab.etcd.boot(n)) },
    connected(true),
  ],
  hurts: isOfService('web'),
  cured: all,
  says: (_, found) => isDown(found),
};

export const clusterScenarios: readonly ClusterScenario[] = [
  rackDies,
  upstreamDies,
  badRelease,
  poisonRelease,
  etcdMemberLost,
  etcdGone,
];

/** Their names and titles, as lines. */
export function listOfScenarios(): string {
  return clusterScenarios.map(({ name, title }) => `${name.padEnd(16)} ${title}`).join('\n');
}
