/** `fourlane reload`: the running agent reads its configuration again. */
import { API_HELP, askAgent, withAgent } from './agent-api.ts';
import { json as jsonOf, type Output, terminal } from './output.ts';

const HELP = `Usage: fourlane reload [--json] [--url URL]

The running agent reads its configuration again, and says what that changed. A file with mistakes is refused whole.
Exit status: 0 applied, 1 refused, 3 no agent.

${API_HELP}

Example: fourlane reload`;

/** Runs the command; resolves with its exit status. */
export function reload(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withAgent(argv, io, HELP, async ({ json, url, words }) => {
    if (words.length > 0) return `reload takes no "${words[0]}"`;
    const answer = await askAgent<{ readonly message: string; readonly revision: string }>(url, '/-/reload', 'POST');
    io.out(json ? jsonOf(answer) : `${answer.message}; revision ${answer.revision.slice(0, 12)}\n`);
    return 0;
  });
}
