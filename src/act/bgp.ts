/**
 * bgp: shuts the BGP sessions of a NIC that failed, so that the router sends nothing over it, and opens them again. Only what it
 * has shut itself is opened; what somebody else shuts stays shut.
 */
import { z } from 'zod';
import { sessionKey } from '../edge/expected.ts';
import { duration } from '../model/schema.ts';
import { plainShutText } from '../routing/speaker.ts';
import { openSpeakers } from '../routing/speakers.ts';
import { actuator, type Actuator, type Effect, type Outcome } from './actuator.ts';
import { decideSessions, shutText, type Steps } from './bgp/decide.ts';
import { Ledger } from './bgp/ledger.ts';
import { type Open, Sessions } from './bgp/sessions.ts';
import { BGP, type BgpSpec, identityOfUplinks, type Peer } from './bgp/spec.ts';

const schema = z.strictObject({
  timeout: duration(100, 60_000).prefault('3s').describe('longest time one call may take, all sessions of the NIC together'),
  recheck: duration(500, 3_600_000)
    .prefault('2s')
    .describe('how often it is looked whether what is shut still is; a daemon that starts again opens every session'),
});

/** The actuator over these daemons. */
export function makeBgp(open: Open): Actuator {
  return actuator({
    name: BGP,
    summary: 'shuts the BGP sessions over a NIC that failed (FRR, BIRD), and opens what it has shut',
    schema,
    scopes: ['nic'],
    kinds: ['nic'],
    idempotent: true,
    batch: false,
    collector: BGP,
    // One: they share a ledger.
    concurrency: 1,
    identity: (spec) => identityOfUplinks(spec as unknown as BgpSpec),
    recheck: (spec) => spec.recheck,
    async perform(parameters, [effect]) {
      const spec = parameters as unknown as BgpSpec;
      const ledger = await Ledger.read(spec.ledger);
      const drained = await Ledger.read(spec.drained);
      // What nobody has shut is at rest, and no daemon need be asked.
      if (effect.state === 'ok' && ledger.records.size + drained.records.size === 0) return [{ result: 'unchanged' }];
      const signal = AbortSignal.timeout(spec.timeout);
      const sessions = await Sessions.open(spec, signal, open);
      try {
        return [await follow(effect, { spec, ledger, drained, sessions, signal })];
      } finally {
        sessions.close();
      }
    },
  });
}

export const bgp = makeBgp(openSpeakers);

interface Means {
  readonly spec: BgpSpec;
  readonly ledger: Ledger;
  readonly drained: Ledger;
  readonly sessions: Sessions;
  readonly signal: AbortSignal;
}

async function follow(effect: Effect, means: Means): Promise<Outcome> {
  const { spec, ledger, drained, sessions, signal } = means;
  const { nic = '' } = effect;
  const id = `${nic} ${identityOfUplinks(spec)}`;
  const own = ledger.records.get(id)?.shut ?? [];
  const records = [...ledger.records].filter(([other]) => other !== id);
  const isDrained = (peer: Peer) => drained.holds(peer);
  const common = {
    nic,
    others: spec.others,
    found: sessions.found,
    recorded: new Set(own.map(sessionKey)),
    shutNics: new Set(records.flatMap(([, record]) => record.nic ?? []).filter((name) => name !== nic)),
    heldElsewhere: (peer: Peer) => ledger.holds(peer, id) || isDrained(peer),
  };
  const why = `${nic} ${effect.verdict} ${effect.cause}`;
  const note = async (shut: readonly Peer[]) => ledger.set(id, { nic, spec: { ...spec }, shut });

  if (effect.state === 'ok') {
    // A drain is the operator's: its sessions stay shut also after the daemon has been started again.
    const again = spec.uplinks.filter(isDrained);
    const kept = decideSessions({ ...common, uplinks: again, wanted: 'drained', recorded: new Set(again.map(sessionKey)) });
    await sessions.shut(kept.shut, textOf(effect, 'drained'), signal);
    const opened = decideSessions({ ...common, uplinks: own, wanted: 'ok', found: sessions.found });
    await note(opened.during);
    await sessions.lift(opened.lift, signal);
    await note(opened.after);
    return outcomeOf({ ...opened, shut: kept.shut, differs: kept.differs });
  }
  const steps = decideSessions({ ...common, uplinks: spec.uplinks, wanted: 'failed' });
  await note(steps.during);
  await sessions.shut(steps.shut, textOf(effect, why), signal);
  return outcomeOf(steps);
}

const textOf = ({ server }: Effect, why: string) => plainShutText(shutText(server, why));

function outcomeOf({ shut, lift, differs, notes, refused }: Steps): Outcome {
  if (refused !== undefined) return { result: 'unsupported', message: [refused, ...notes].join('; '), mayPass: true };
  const message = notes.length === 0 ? {} : { message: notes.join('; ') };
  return { result: shut.length + lift.length > 0 ? 'done' : 'unchanged', differs, ...message };
}
