/** `fourlane cluster lead`: leads whatever rollout is under way, for ever; of several of them one does. */
import { Lead } from '../../cluster/api/lead.ts';
import { leadRollout } from '../../cluster/api/lead-rollout.ts';
import { liveRollout } from '../../cluster/api/pointers.ts';
import { json as jsonOf, type Output, terminal } from '../output.ts';
import { tidy } from './carry.ts';
import { EXIT } from './exit.ts';
import { Progress } from './progress.ts';
import type { Session } from './session.ts';
import { rolloutText } from './texts.ts';
import { type Asked, usage, type VerbSpec, withSession } from './verb.ts';

const SPEC: VerbSpec = {
  help: `Usage: fourlane cluster lead

Leads rollouts for as long as it runs, so that one goes on when the command that began it has ended. Run it as a service on two
machines or more: one leads at a time, and when it dies another goes on within 15 s. It needs the certificate of the API.
It begins nothing, and starts no rollout again that has halted. SIGTERM or SIGINT ends it.

`,
};

/** Runs the verb; resolves with its exit status when it is told to end. */
export function lead(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withSession(argv, io, SPEC, async (session, asked) => {
    if (asked.words.length > 0) throw usage(`lead takes no "${asked.words[0]}"`);
    const progress = new Progress(io);
    try {
      await leadAll(session, asked, progress);
    } finally {
      progress.done();
    }
    return EXIT.done;
  });
}

async function leadAll(session: Session, asked: Asked, { signal, tell: told }: Progress): Promise<void> {
  const { store, contents, clock, by } = session;
  const { io, json } = asked;
  const follow = session.follow();
  while (!signal.aborted) {
    const view = follow.view();
    const live = view && liveRollout(view.state)?.value;
    if (live === undefined) {
      await follow.next();
      continue;
    }
    const own = new Lead({ store, caller: session.caller(), by, clock, at: () => session.at() });
    try {
      const left = await leadRollout(live.n, { store, contents, clock, lead: own, signal, told, follow });
      if (left !== undefined && !signal.aborted) io.out(json ? jsonOf({ rollout: left }) : `${rolloutText(left)}\n`);
    } finally {
      await own.release();
    }
    await tidy(session, asked);
  }
}
