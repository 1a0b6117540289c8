/** How a scenario of the demo ends: pages, what was not as expected, and why that may be. */
import type { Monitoring } from '../lab/monitoring.ts';
import type { Phases } from '../lab/tally.ts';
import { pageLines, unpeaceful } from '../lab/tell.ts';
import type { World } from '../lab/world.ts';

/** A scenario that was played; times are ms of the lab's clock. */
export interface Played {
  readonly world: World;
  readonly monitoring: Monitoring | undefined;
  readonly problems: readonly string[];
  readonly requests: Phases;
  /** When its traffic in peace began. */
  readonly began: number;
  /** When the fault struck. */
  readonly struck: number;
}

/** Prints the end of a scenario. @returns the exit code: 0 as expected, 1 not */
export async function tellOutcome(played: Played, print: (line: string) => void): Promise<number> {
  const { world, monitoring, problems, requests, began, struck } = played;
  if (monitoring !== undefined) print(pageLines(await monitoring.sent(struck)).join('\n') || 'pages     none');
  const also = unpeaceful(requests);
  for (const line of also) print(line);
  const good = problems.length === 0 && also.length === 0;
  if (!good) for (const pause of await world.pauses(began)) print(`lab       ${pause}`);
  print(good ? '\nAs expected.' : '\nNOT as expected.');
  return good ? 0 : 1;
}
