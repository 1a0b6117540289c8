/** `fourlane bgp`: takes this server out of BGP by hand, and puts back whatever fourlane has shut. */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { drainServer, restoreServer } from '../act/bgp/drain.ts';
import { loadPlanFile } from '../config/load.ts';
import { parseDuration } from '../model/duration.ts';
import { FourlaneError } from '../model/errors.ts';
import type { Plan } from '../model/plan.ts';
import { askToDrain, Denied, endDrainOf, openFleet, type OpenFleet } from './bgp-fleet.ts';
import { type Output, terminal } from './output.ts';

/** Exit status when the fleet refuses. */
const DENIED = 2;
/** Longest pause before sessions are shut: ms. */
const MOST_GRACEFUL = 600_000;

const HELP = `Usage: fourlane bgp drain --config FILE [--graceful TIME]
       fourlane bgp restore --config FILE

drain    shuts every session of bgp.uplinks (FRR, BIRD). An agent keeps them shut until restore, also after a routing daemon
         has been started again, if its NICs have onFail: [bgp]. With cluster.etcd the fleet is asked first: its budget
         of servers, and whether another server announces the cluster prefix (S13).
restore  opens every session that fourlane has shut: by drain, or by the agent because of a NIC; it needs no agent. An agent
         that runs shuts those of a NIC that is still judged failed again. With cluster.etcd the budget is given back.

Sessions that somebody else has shut are left alone by both. Nothing is written into a configuration of a daemon.

  --config FILE    the configuration, with bgp.uplinks
  --graceful TIME  drain: ask the routers for so long to prefer other ways before (RFC 8326; FRR only); default 10s

  --alone          does not ask the fleet, and gives nothing back

Exit status: 0 done, 1 not done, or wrong options, 2 the fleet does not let this server go, or can't be asked: nothing is done.

Example: fourlane bgp drain --config /etc/fourlane.yaml
`;

/** Runs the command; resolves to the exit status. */
export async function bgpCommand(
  argv: readonly string[],
  { out, err }: Output = terminal,
  open: OpenFleet = openFleet,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: 'string', short: 'c' },
      graceful: { type: 'string', default: '10s' },
      alone: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    out(HELP);
    return 0;
  }
  const [action, ...more] = positionals;
  if (more.length > 0 || (action !== 'drain' && action !== 'restore'))
    throw new FourlaneError('USAGE', `found ${positionals.join(' ') || 'nothing'}; allowed: drain, restore\n\n${HELP.trimEnd()}`);
  if (values.config === undefined) throw new FourlaneError('USAGE', `name --config FILE\n\n${HELP.trimEnd()}`);
  const gracefulMs = parseDuration(values.graceful);
  if (gracefulMs === undefined || gracefulMs > MOST_GRACEFUL)
    throw new FourlaneError('USAGE', `--graceful: found ${values.graceful}; allowed: 0s … 10m`);
  const plan = loadPlanFile(values.config, { hostname: hostname() });
  const say = (line: string) => out(`${line}\n`);
  try {
    const asks = plan.etcd !== undefined && !values.alone;
    const work = action === 'drain' ? () => drainServer({ plan, gracefulMs, say }) : () => restoreServer({ plan, say });
    if (asks) await among({ plan, action, work, say, open });
    else await work();
    return 0;
  } catch (error) {
    err(`${(error as Error).message}\n`);
    return error instanceof Denied ? DENIED : 1;
  }
}

interface Among {
  readonly plan: Plan;
  readonly action: 'drain' | 'restore';
  readonly work: () => Promise<void>;
  readonly say: (line: string) => void;
  readonly open: OpenFleet;
}

/** Drains with the fleet's permission, or restores and gives it back. Rejects with Denied, or as `work` does. */
async function among({ plan, action, work, say, open }: Among): Promise<void> {
  const door = open(plan);
  try {
    if (action === 'drain') await askToDrain(plan, door, say);
    try {
      await work();
    } catch (error) {
      if (action === 'drain') say('the fleet counts this server as drained until: fourlane bgp restore');
      throw error;
    }
    if (action === 'restore') await endDrainOf(plan, door);
  } finally {
    await door.close();
  }
}
