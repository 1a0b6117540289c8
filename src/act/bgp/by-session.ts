/** Driver `session`: shuts the sessions over the NIC in the routing daemon. */
import { sessionKey } from '../../edge/expected.ts';
import type { Effect, Outcome } from '../actuator.ts';
import { decideSessions, type Steps } from './decide.ts';
import { type Driver, type Means, textOf } from './driver.ts';
import { type Open, Sessions } from './sessions.ts';
import { identityOfUplinks, type Peer } from './spec.ts';

export function bySession(open: Open): Driver {
  return {
    name: 'session',
    identity: identityOfUplinks,
    async follow(effect, means) {
      const sessions = await Sessions.open(means.spec, means.signal, open);
      try {
        return await follow(effect, means, sessions);
      } finally {
        sessions.close();
      }
    },
  };
}

async function follow(effect: Effect, { spec, ledger, drained, signal }: Means, sessions: Sessions): Promise<Outcome> {
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

function outcomeOf({ shut, lift, differs, notes, refused }: Steps): Outcome {
  if (refused !== undefined) return { result: 'unsupported', message: [refused, ...notes].join('; '), mayPass: true };
  const message = notes.length === 0 ? {} : { message: notes.join('; ') };
  return { result: shut.length + lift.length > 0 ? 'done' : 'unchanged', differs, ...message };
}
