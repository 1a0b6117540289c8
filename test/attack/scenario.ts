/**
 * What an attack is: somebody hostile, beside a control, in one run. A new family is one file and one line in
 * `scenarios/index.ts`.
 */

export interface Scenario {
  /** What `--only=` selects. */
  readonly family: string;
  readonly name: string;
  /** What was observed before the armour; '–' when nobody had tried it. */
  readonly before: string;
  /** Also in the short form, which is a system test. */
  readonly short?: true;
  /** Attacks, and compares with the control. `quick`: in the short form. Throws when the control itself is no good. */
  run(quick: boolean): Promise<Verdict>;
}

export interface Verdict {
  readonly control: string;
  readonly now: string;
  /** What is not as it must be; none = pass. */
  readonly misses: readonly string[];
}

const cell = (text: string) => text.replaceAll('|', '\\|');

/** The first cell of a scenario's row. */
export function titleOf({ family, name }: Pick<Scenario, 'family' | 'name'>): string {
  return cell(`${family}: ${name}`);
}

/** One line of the table that `npm run attack` prints. */
export function rowOf(scenario: Scenario, { control, now, misses }: Verdict): string {
  const found = misses.length === 0 ? 'pass' : `**${misses.join('; ')}**`;
  return `| ${[titleOf(scenario), ...[scenario.before, control, now, found].map(cell)].join(' | ')} |`;
}

export const HEAD = '| scenario | before | control | now | |\n|---|---|---|---|---|';
