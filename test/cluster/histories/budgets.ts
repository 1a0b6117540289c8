/**
 * Servers that ask a budget from what they read some time ago, die, come back, are cut off, and act late; and an API that
 * changes the rule and the roster. Never more holders than the rule allows at a grant, never below the floor, never an act on an
 * older fence.
 */
import { type BudgetView, decide, giveUp } from '../../../src/cluster/budget/budget.ts';
import { admit, type FenceGuard, NO_FENCE } from '../../../src/cluster/budget/fence.ts';
import type { Fenced, TxnPlan } from '../../../src/cluster/txn-plan.ts';
import type { BudgetHolder, BudgetRule, RosterEntry } from '../../../src/cluster/values.ts';
import { randomFrom } from '../../judge/world.ts';
import { EtcdModel, pick, type Random, type Tally } from './etcd-model.ts';

const BUDGET = 'out';
const RULE = `budget/${BUDGET}/rule`;
const HOLDERS = `budget/${BUDGET}/holder/`;
const AT = '2026-11-28T12:00:00Z';

interface Act {
  readonly fence: number;
  readonly out: boolean;
}

interface Server {
  readonly name: string;
  alive: boolean;
  /** Absent or in maintenance, as everybody sees it. */
  gone: boolean;
  /** A grant that was decided and not sent yet. */
  pending?: { readonly txn: TxnPlan; readonly max: number } | undefined;
  /** Acts that were ordered and are not carried out yet, and how the data plane is. */
  acts: Act[];
  guard: FenceGuard;
  out: boolean;
  newest: number;
}

function viewOf(etcd: EtcdModel, servers: readonly Server[]): BudgetView {
  const holders = new Map<string, Fenced<BudgetHolder>>();
  const roster = new Map<string, RosterEntry>();
  for (const { name } of servers) {
    const holder = etcd.get(HOLDERS + name);
    if (holder !== undefined) holders.set(name, holder as Fenced<BudgetHolder>);
    const entry = etcd.value<RosterEntry>(`roster/${name}`);
    if (entry !== undefined) roster.set(name, entry);
  }
  const rule = etcd.get(RULE) as Fenced<BudgetRule> | undefined;
  return {
    ...(rule === undefined ? {} : { rule }),
    gate: etcd.get(`budget/${BUDGET}/gate`)?.mod ?? 0,
    holders,
    roster,
    gone: (name) => (servers.find((each) => each.name === name)?.gone === true ? 'absent' : undefined),
    announcing: (name) => servers.some((each) => each.name === name && each.alive && !each.gone),
  };
}

/** Sends a grant; if etcd takes it, what was granted must be within the rule. */
function send(etcd: EtcdModel, servers: readonly Server[], server: Server, tally: Tally): void {
  const { pending } = server;
  server.pending = undefined;
  if (pending === undefined) return;
  const held = etcd.get(HOLDERS + server.name) !== undefined;
  if (!etcd.txn(pending.txn)) return tally.count('raced');
  tally.count('granted');
  const fence = etcd.get(HOLDERS + server.name)!.create;
  server.acts.push({ fence, out: true });
  if (held) return;
  const view = viewOf(etcd, servers);
  const rule = view.rule!.value;
  const mine = [...view.holders.keys()].filter((name) => sameScope(view, rule, name, server.name));
  // Who has died since it asked is no grant too many: only those who hold are counted here.
  if (mine.length > pending.max) throw new Error(`${mine.length} hold, ${pending.max} may`);
}

function sameScope({ roster }: BudgetView, { scope }: BudgetRule, a: string, b: string): boolean {
  const [one, other] = [roster.get(a), roster.get(b)];
  if (one === undefined || other === undefined) return false;
  return scope === 'cluster' || (one.site === other.site && (scope === 'site' || one.rack === other.rack));
}

/** The data plane carries out one of the acts that were ordered, perhaps not in order. */
function carryOut(server: Server, random: Random, tally: Tally): void {
  if (server.acts.length === 0) return;
  const [act] = server.acts.splice(random() < 0.4 ? 0 : Math.floor(random() * server.acts.length), 1);
  const guard = admit(server.guard, 0, act!.fence);
  if (guard === undefined) return tally.count('fenced');
  if (act!.fence < server.newest) throw new Error(`acted on fence ${act!.fence} after ${server.newest}`);
  server.guard = guard;
  server.newest = act!.fence;
  server.out = act!.out;
  tally.count('acted');
}

function release(etcd: EtcdModel, server: Server): void {
  const own = etcd.get(HOLDERS + server.name) as Fenced<BudgetHolder> | undefined;
  const txn = giveUp(BUDGET, server.name, 'server', own);
  if (txn !== undefined && etcd.txn(txn)) server.acts.push({ fence: own!.create, out: false });
}

/** One history; throws at the first grant too many, or act too late. */
export function budgetHistory(seed: number, tally: Tally): void {
  const random = randomFrom(seed);
  const etcd = new EtcdModel();
  const servers = Array.from({ length: 2 + Math.floor(random() * 4) }, (_, i): Server => {
    etcd.put(`roster/lb-${i}`, { ring: 'r', site: i % 2 === 0 ? 's1' : 's2', rack: `k${i % 3}` });
    return { name: `lb-${i}`, alive: true, gone: false, acts: [], guard: NO_FENCE, out: false, newest: 0 };
  });
  const rule: BudgetRule = {
    scope: pick(random, ['cluster', 'cluster', 'site', 'rack'] as const),
    max: random() < 0.5 ? { servers: Math.floor(random() * 3) } : { share: pick(random, [0.2, 0.4]), servers: 1 },
    floor: Math.floor(random() * 2),
    blind: 0,
  };
  etcd.put(RULE, rule);
  for (let k = 0; k < 40; k++) {
    const server = pick(random, servers);
    const lot = random();
    if (lot < 0.4 && server.alive) decideFor(server, etcd, servers, tally);
    else if (lot < 0.6) send(etcd, servers, server, tally);
    else if (lot < 0.76) release(etcd, server);
    else if (lot < 0.85) carryOut(server, random, tally);
    else if (lot < 0.9) Object.assign(server, { alive: !server.alive, pending: undefined });
    else if (lot < 0.95) server.gone = !server.gone;
    else if (lot < 0.97) etcd.put(RULE, { ...rule, floor: Math.floor(random() * 3) });
    else if (servers.length > 2 && random() < 0.3) etcd.delete(`roster/${server.name}`);
  }
}

function decideFor(server: Server, etcd: EtcdModel, servers: readonly Server[], tally: Tally): void {
  const view = viewOf(etcd, servers);
  const decision = decide({ budget: BUDGET, server: server.name, subject: 'server', why: 'ill', boot: 'b', at: AT }, view);
  tally.count(decision.granted ? 'may' : decision.reason);
  if (!decision.granted) return;
  const own = view.holders.has(server.name);
  if (!own && decision.used.length + 1 > decision.max) throw new Error('granted beyond what is allowed');
  if (!own && decision.left < view.rule!.value.floor) throw new Error('granted below the floor');
  server.pending = { txn: decision.txn, max: decision.max };
}
