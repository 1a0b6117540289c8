/** Which rules an alert depends on: with all of them beside it, each test of one alert would evaluate all others too. */

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** One of `alert` and `record` is there. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** All that a rule may ask for, as words: its expression, and the queries of its annotations. */
const wordsOf = ({ expr, annotations = {} }: Rule) => [expr, ...Object.values(annotations)].join('\n').match(/[\w:]+/g) ?? [];

/** The groups, in their order, with the rules of this alert and what those ask for, directly or not. Without empty groups. */
export function groupsFor(alert: string, groups: readonly RuleGroup[]): RuleGroup[] {
  const rules = groups.flatMap((group) => group.rules);
  const wanted = new Set<Rule>();
  const waiting = rules.filter((rule) => rule.alert === alert);
  for (let rule = waiting.pop(); rule !== undefined; rule = waiting.pop()) {
    if (wanted.has(rule)) continue;
    wanted.add(rule);
    const words = new Set(wordsOf(rule));
    waiting.push(...rules.filter((other) => words.has(other.record ?? other.alert!)));
  }
  return groups
    .map((group) => ({ ...group, rules: group.rules.filter((rule) => wanted.has(rule)) }))
    .filter((group) => group.rules.length > 0);
}
