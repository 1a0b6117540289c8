/** `fourlane cluster budget`: how much may be gone at once, who is gone, and who holds what. */
import { putBudget } from '../../cluster/api/edits.ts';
import { type BudgetRule, SCOPES } from '../../cluster/values.ts';
import { json as jsonOf, type Output, table, terminal } from '../output.ts';
import { edit } from './edit.ts';
import { EXIT } from './exit.ts';
import type { Session } from './session.ts';
import { lookAt } from './status.ts';
import { type Asked, countOf, usage, type VerbSpec, withSession } from './verb.ts';

const SPEC: VerbSpec = {
  help: `Usage: fourlane cluster budget
       fourlane cluster budget set NAME [--scope SCOPE] [--max N] [--share P%] [--floor N] [--blind N]

Lists the budgets, or changes the rule of one: server (whole load balancers) or nic. What is not named stays. Who holds a slot
keeps it; who asks next is answered by the new rule.

  --scope SCOPE   counted in: ${SCOPES.join(', ')}
  --max N         most servers gone at once …
  --share P%      … or this share of the scope, whichever is more; 0% takes it out of the rule
  --floor N       servers that must go on announcing
  --blind N       acts that one server may make while etcd does not answer
`,
  options: {
    scope: { type: 'string' },
    max: { type: 'string' },
    share: { type: 'string' },
    floor: { type: 'string' },
    blind: { type: 'string' },
  },
};

/** Runs the verb; resolves with its exit status. */
export function budget(argv: readonly string[], io: Output = terminal): Promise<number> {
  return withSession(argv, io, SPEC, (session, asked) => {
    const [what, name] = asked.words;
    if (what === undefined) return list(session, asked);
    if (what === 'set' && name !== undefined && asked.words.length === 2) return set(session, asked, name);
    throw usage('write `budget`, or `budget set NAME` with what is to change');
  });
}

const percent = (share: number) => `${Math.round(share * 1000) / 10}%`;

/** `1 or 10%` */
function maxText({ max: { servers, share } }: BudgetRule): string {
  return [servers, share === undefined ? undefined : percent(share)].filter((each) => each !== undefined).join(' or ');
}

async function list(session: Session, { io, json }: Asked): Promise<number> {
  const rules = (await session.state()).budgetRule;
  const { budgets } = await lookAt(session, false);
  const all = budgets.map((each) => ({ ...each, rule: rules.get(each.budget)?.value }));
  const rows = all.map(({ budget: name, used, holders, rule }) => [
    name,
    rule?.scope ?? '',
    rule === undefined ? '' : maxText(rule),
    String(rule?.floor ?? ''),
    String(rule?.blind ?? ''),
    used.join(', '),
    holders.map(({ server, subjects }) => `${server} (${subjects.join(', ')})`).join(', '),
  ]);
  const text = table([['BUDGET', 'SCOPE', 'AT MOST', 'FLOOR', 'BLIND', 'GONE', 'HELD BY'], ...rows]);
  io.out(
    json ? jsonOf({ budgets: all }) : `${rows.length === 0 ? 'no budget has a rule; fourlane cluster init makes them' : text}\n`,
  );
  return EXIT.done;
}

/** 0–1 of `10%`; throws USAGE. */
function shareOf(text: string): number {
  const value = Number(/^(\d{1,3}(?:\.\d)?)%$/.exec(text)?.[1]);
  if (Number.isNaN(value) || value > 100) throw usage(`--share: found ${text}; allowed: 0% … 100%, such as 10%`);
  return value / 100;
}

/** What the options change of a rule. */
function changeOf(asked: Asked, before: BudgetRule['max']): Partial<BudgetRule> {
  const count = (name: string) => {
    const text = asked.text(name);
    return text === undefined ? {} : { [name]: countOf(`--${name}`, text, name === 'blind' ? 100 : 10_000) };
  };
  const scope = asked.text('scope');
  const found = SCOPES.find((each) => each === scope);
  if (scope !== undefined && found === undefined) throw usage(`--scope: found ${scope}; allowed: ${SCOPES.join(', ')}`);
  const [most, share] = [asked.text('max'), asked.text('share')];
  const max = {
    ...before,
    ...(most === undefined ? {} : { servers: countOf('--max', most) }),
    ...(share === undefined ? {} : { share: shareOf(share) }),
  };
  const { share: left, ...rest } = max;
  const isNew = most !== undefined || share !== undefined;
  if (isNew && left === 0 && rest.servers === undefined) throw usage('a rule needs --max N, --share P% or both');
  return {
    ...(found === undefined ? {} : { scope: found }),
    ...(isNew ? { max: left === 0 || left === undefined ? rest : { ...rest, share: left } } : {}),
    ...count('floor'),
    ...count('blind'),
  };
}

async function set(session: Session, asked: Asked, name: string): Promise<number> {
  let rule: BudgetRule | undefined;
  await edit(session, (state) => {
    const change = changeOf(asked, state.budgetRule.get(name)?.value.max ?? {});
    if (Object.keys(change).length === 0) throw usage('name what is to change: --scope, --max, --share, --floor or --blind');
    const plan = putBudget(state, name, change);
    const [write] = plan.writes;
    rule = write?.op === 'put' ? (write.value as BudgetRule) : undefined;
    return plan;
  });
  const { io, json } = asked;
  const { scope, floor, blind } = rule!;
  const most = `at most ${maxText(rule!)} of the ${scope} at once`;
  const text = `budget ${name}: ${most}, at least ${floor} go on announcing, ${blind} while blind`;
  io.out(json ? jsonOf({ budget: name, rule }) : `${text}\n`);
  return EXIT.done;
}
