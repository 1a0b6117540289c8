/** `fourlane reload`: the running agent reads its configuration again. */
import { API_HELP, askAgent, parseApiArguments, reportFailure } from './agent-api.ts';
import { json as jsonOf, type Output, terminal } from './output.ts';

const HELP = `Usage: fourlane reload [--json] [--url URL]

The running agent reads its configuration again, and says what that changed. A file with mistakes is refused whole.
Exit status: 0 applied, 1 refused, 3 no agent.

${API_HELP}

Example: fourlane reload`;

/** Runs the command; resolves with its exit status. */
export async function reload(argv: readonly string[], io: Output = terminal): Promise<number> {
  try {
    const { json, help, url, words } = parseApiArguments(argv);
    if (help) {
      io.out(`${HELP}\n`);
      return 0;
    }
    if (words.length > 0) {
      io.err(`fourlane: reload takes no "${words[0]}"\n\n${HELP}\n`);
      return 1;
    }
    const answer = await askAgent<{ readonly message: string; readonly revision: string }>(url, '/-/reload', 'POST');
    io.out(json ? jsonOf(answer) : `${answer.message}; revision ${answer.revision.slice(0, 12)}\n`);
    return 0;
  } catch (error) {
    return reportFailure(error, io);
  }
}
