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

/**
 * A scenario that is played on a stage of its own, which is cleared whatever comes of it.
 * @param attack its family, its name and what was observed before; what else it has is not the scenario's
 */
export function staged<S extends { end(): Promise<void> }>(
  { family, name, before, short }: Omit<Scenario, 'run'>,
  make: () => S,
  play: (stage: S, quick: boolean) => Promise<Verdict>,
): Scenario {
  return {
    family,
    name,
    before,
    ...(short ? { short } : {}),
    async run(quick) {
      const stage = make();
      try {
        return await play(stage, quick);
      } finally {
        await stage.end();
      }
    },
  };
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
