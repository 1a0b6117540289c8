/** `fourlane cluster release`: makes a release of a file, and gives it to rings that run nothing yet, or to all at once. */
import { ringsOf } from '../../cluster/api/changes.ts';
import { json as jsonOf, type Output, terminal } from '../output.ts';
import { awaitRings, begin, exitOfRollout, giveTo, leadIt, make, prepare, tidy, unsignedText } from './carry.ts';
import { readContent } from './content.ts';
import { EXIT } from './exit.ts';
import { RELEASE_HELP, RELEASE_OPTIONS, removedOf, signKeyOf, WAIT_HELP, WAIT_OPTIONS, waitingOf } from './options.ts';
import { awaitedText, changeTable, releaseJson, releaseText, rolloutNext, rolloutText } from './texts.ts';
import { type Asked, usage, type VerbSpec, whyOf, withSession } from './verb.ts';
import type { Session } from './session.ts';

const SPEC: VerbSpec = {
  help: `Usage: fourlane cluster release FILE --why TEXT [--urgent] [options]

Makes a release of the services, checks and rules of FILE. Where no ring runs anything yet, all get it; otherwise no server
changes anything until it is rolled out (fourlane cluster rollout). A release that is empty, poison, or removes more than
allowed is refused and not written.

  --urgent        have all servers prepare it, then give it to all rings one after the other, without a soak
${RELEASE_HELP}${WAIT_HELP}`,
  options: { ...RELEASE_OPTIONS, ...WAIT_OPTIONS, urgent: { type: 'boolean', default: false } },
};

/** Runs the verb; resolves with its exit status. */
export function release(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withSession(argv, io, SPEC, run);
}

async function run(session: Session, asked: Asked): Promise<number> {
  const { io, json } = asked;
  const [file] = asked.words;
  if (file === undefined || asked.words.length !== 1) throw usage('name one file: fourlane cluster release FILE --why TEXT');
  const waiting = waitingOf(asked);
  const wish = { reason: whyOf(asked), removed: removedOf(asked), signKey: signKeyOf(asked) };
  const prepared = await prepare(session, await readContent(file), wish);
  const { changes, state } = prepared;
  if (changes.every(({ same }) => same)) {
    io.out(json ? jsonOf({ release: null, changes }) : `nothing changes: every ring runs this configuration already\n`);
    return EXIT.done;
  }
  io.err(unsignedText(prepared));
  const made = await make(session, prepared);
  if (!json) io.out(`${releaseText(made)}\n${changeTable(changes)}\n`);
  const ringNames = ringsOf(state);
  if (state.target.size === 0) {
    const revision = await giveTo(session, made, ringNames, state);
    const awaited = await awaitRings(session, asked, { rings: ringNames, revision, waiting });
    io.out(json ? jsonOf({ release: releaseJson(made), changes, ...awaited }) : `${awaitedText(awaited)}\n`);
    return EXIT[awaited.outcome];
  }
  if (!asked.flag('urgent')) {
    await tidy(session, asked);
    const stages = ringNames.map((ring) => `--stage ${ring}`).join(' ');
    io.out(json ? jsonOf({ release: releaseJson(made), changes }) : `next: fourlane cluster rollout ${made.n} ${stages}\n`);
    return EXIT.done;
  }
  const { allowAbsent, timeoutMs } = waiting;
  const stages = ringNames.map((ring) => ({ ring, soakMs: 0 }));
  const n = await begin(session, made, { stages, onHalt: 'rollback', allowAbsent }, state);
  const rollout = await leadIt(session, asked, n, timeoutMs);
  await tidy(session, asked);
  if (json) io.out(jsonOf({ release: releaseJson(made), changes, rollout }));
  else if (rollout !== undefined) io.out(`${[rolloutText(rollout), rolloutNext(rollout)].filter(Boolean).join('\n')}\n`);
  return exitOfRollout(rollout);
}
