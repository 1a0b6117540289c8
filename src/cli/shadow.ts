/** `fourlane shadow report`: what fourlane and keepalived decided about the same real servers. */
import type { ShadowAnswer } from '../report/view.ts';
import { API_HELP, askAgent, withAgent } from './agent-api.ts';
import { json as jsonOf, type Output, terminal } from './output.ts';

const HELP = `Usage: fourlane shadow report [--json] [--url URL]

What the running agent has seen of services in shadow mode (import.keepalived): who took out what, who was first, and where
the two differ now.
Exit status: 0 both agree now, 2 they differ, 1 no service is in shadow mode, 3 no agent.

${API_HELP}

Example: fourlane shadow report`;

/** Runs the command; resolves with its exit status. */
export function shadow(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withAgent(argv, io, HELP, async ({ json, url, words }) => {
    if (words.join(' ') !== 'report') return 'ask `shadow report`';
    const answer = await askAgent<ShadowAnswer>(url, '/api/v1/shadow');
    io.out(json ? jsonOf(answer) : answer.report);
    return answer.compared === answer.agreeing ? 0 : 2;
  });
}
