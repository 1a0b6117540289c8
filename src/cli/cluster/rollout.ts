/** `fourlane cluster rollout`: a release in stages, led by whoever runs it; and going on with one, or halting it. */
import { releaseOf } from '../../cluster/api/contents.ts';
import { changesOf, refusalTexts, ringsOf } from '../../cluster/api/changes.ts';
import { liveRollout, refuseBesideRollout } from '../../cluster/api/pointers.ts';
import { haltByHand } from '../../cluster/rollout/rollout.ts';
import { FourlaneError } from '../../model/errors.ts';
import { json as jsonOf, type Output, terminal } from '../output.ts';
import { begin, exitOfRollout, leadIt, tidy } from './carry.ts';
import { EXIT } from './exit.ts';
import { stageOf } from './options.ts';
import type { Session } from './session.ts';
import { rolloutNext, rolloutText } from './texts.ts';
import { type Asked, countOf, durationOf, usage, type VerbSpec, whyOf, withSession } from './verb.ts';

const SPEC: VerbSpec = {
  help: `Usage: fourlane cluster rollout N [--stage RING[:SOAK]]... [options]
       fourlane cluster rollout --lead
       fourlane cluster rollout --halt --why TEXT

Has every server prepare release N, then gives it to one ring after the other and lets each soak. It halts by itself when a
server refuses, fails, is lost or drifts, and when real servers are bad only where the release runs; then the rings get back
what they ran. This command leads the rollout. When it ends before the rollout does, nothing advances until somebody leads.

  --stage RING[:SOAK]
                  one for each ring, in order; the soak is a time such as 10m, default 2m. Not needed for a single ring
  --on-halt WHAT  rollback (default), or stay: a person decides
  --allow-absent N
                  servers that may be absent
  --timeout TIME  how long it is led; default 24h
  --lead          go on with the rollout that is under way
  --halt          halt it now
  --why TEXT      why it is halted
`,
  options: {
    stage: { type: 'string', multiple: true },
    'on-halt': { type: 'string', default: 'rollback' },
    'allow-absent': { type: 'string', default: '0' },
    timeout: { type: 'string', default: '24h' },
    lead: { type: 'boolean', default: false },
    halt: { type: 'boolean', default: false },
    why: { type: 'string' },
  },
};

/** Runs the verb; resolves with its exit status. */
export function rollout(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withSession(argv, io, SPEC, (session, asked) => {
    if (asked.flag('halt')) return halt(session, asked);
    return asked.flag('lead') ? goOn(session, asked) : start(session, asked);
  });
}

async function start(session: Session, asked: Asked): Promise<number> {
  const [word] = asked.words;
  if (word === undefined || asked.words.length !== 1 || !/^\d+$/.test(word))
    throw usage('name one release: fourlane cluster rollout N; fourlane cluster release makes one');
  const onHalt = asked.text('on-halt');
  if (onHalt !== 'rollback' && onHalt !== 'stay') throw usage(`--on-halt: found ${onHalt}; allowed: rollback, stay`);
  const allowAbsent = countOf('--allow-absent', asked.text('allow-absent')!);
  const state = await session.state();
  refuseBesideRollout(state);
  const release = releaseOf(state, Number(word));
  const rings = ringsOf(state);
  const given = asked.list('stage').map(stageOf);
  const stages = given.length === 0 && rings.length === 1 ? [stageOf(rings[0]!)] : given;
  if (stages.length === 0) throw usage(`--stage: name each ring, in order: ${rings.map((ring) => `--stage ${ring}`).join(' ')}`);
  const changes = await changesOf(release, await session.contents.of(release), state, session.contents);
  const refused = refusalTexts(changes);
  if (refused.length > 0) throw new FourlaneError('CLUSTER_INVALID', `nothing was begun: ${refused.join('\n  ')}`);
  const n = await begin(session, release, { stages, onHalt, allowAbsent }, state);
  return follow(session, asked, n);
}

async function goOn(session: Session, asked: Asked): Promise<number> {
  const live = liveRollout(await session.state())?.value;
  if (live !== undefined) return follow(session, asked, live.n);
  asked.io.out(asked.json ? jsonOf({ rollout: null }) : 'no rollout is under way\n');
  return EXIT.done;
}

async function follow(session: Session, asked: Asked, n: number): Promise<number> {
  const { io, json } = asked;
  const left = await leadIt(session, asked, n, durationOf('--timeout', asked.text('timeout')!));
  await tidy(session, asked);
  if (json) io.out(jsonOf({ rollout: left ?? null }));
  else if (left !== undefined) io.out(`${[rolloutText(left), rolloutNext(left)].filter(Boolean).join('\n')}\n`);
  return exitOfRollout(left);
}

const MOST_TRIES = 10;

async function halt(session: Session, asked: Asked): Promise<number> {
  const why = whyOf(asked);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const live = liveRollout(await session.state());
    const txn = live && haltByHand(live, session.by, why);
    if (live === undefined || txn === undefined) {
      asked.io.out(
        asked.json
          ? jsonOf({ rollout: live?.value ?? null })
          : `nothing to halt${live === undefined ? '' : `: ${rolloutText(live.value)}`}\n`,
      );
      return EXIT.done;
    }
    // Whoever leads it writes often: what he wrote meanwhile is read again.
    if (!(await session.store.commit(txn)).done) continue;
    const { n } = live.value;
    asked.io.out(
      asked.json ? jsonOf({ rollout: n, state: 'halted' }) : `rollout ${n} is halted; who leads it goes on from there\n`,
    );
    return EXIT.done;
  }
  throw new FourlaneError('CLUSTER_CONFLICT', 'the rollout went on each time it was to be halted; try again');
}
