/** Runs checks side by side, each with its deadline, and keeps their order. */
import type { Check, Examination, Finding, Outcome } from './check.ts';

export interface Result extends Finding {
  readonly check: string;
}

/** Findings of every check of this role, in the order of the list. A check that throws or is late is a finding. Never rejects. */
export async function examine(
  checks: readonly Check[],
  make: (signal: AbortSignal) => Examination,
  { limitMs }: { readonly limitMs: number },
): Promise<readonly Result[]> {
  const each = checks.map(async (check) => {
    const abort = new AbortController();
    const examination = make(abort.signal);
    if (!check.roles.includes(examination.role)) return [];
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<readonly Finding[]>((resolve) => {
      timer = setTimeout(() => {
        resolve([{ outcome: 'fail', message: `no answer within ${limitMs} ms` }]);
        abort.abort(new Error(`no answer within ${limitMs} ms`));
      }, limitMs);
    });
    const findings = await Promise.race([start(check, examination), late]);
    clearTimeout(timer);
    return findings.map((finding) => ({ check: check.name, ...finding }));
  });
  return (await Promise.all(each)).flat();
}

async function start(check: Check, examination: Examination): Promise<readonly Finding[]> {
  try {
    return await check.run(examination);
  } catch (error) {
    return [{ outcome: 'fail', message: `could not be checked: ${error instanceof Error ? error.message : String(error)}` }];
  }
}

const ORDER: readonly Outcome[] = ['ok', 'warn', 'fail', 'skipped'];

/** How many of each. */
export function count(results: readonly Result[]): Readonly<Record<Outcome, number>> {
  return Object.fromEntries(
    ORDER.map((outcome) => [outcome, results.filter((result) => result.outcome === outcome).length]),
  ) as Record<Outcome, number>;
}
