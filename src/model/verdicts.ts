/**
 * Every verdict, once. Codes, lists, ranks, severities, rule numbers, metric series, the page's headline, tables of
 * docs/attribution.md and the dashboards' value mappings derive from this table; docs/adding-a-rule.md says how to add an entry.
 */

/** Kinds of subjects, in the order in which lists show them. */
export const SUBJECTS = ['nic', 'path', 'rs', 'rack', 'agent'] as const;
export type SubjectKind = (typeof SUBJECTS)[number];

/**
 * Causes in code order: the index is stored in columns and state files, so a new one goes to the end. `none`: the verdict says it
 * all.
 */
export const VERDICT_CAUSES = [
  'none',
  'carrier',
  'link',
  'upstream',
  'lossy',
  'not_yet_valid',
  'unreachable',
  'refused',
  'l7',
  'local_path',
  'bfd',
] as const;
export type VerdictCause = (typeof VERDICT_CAUSES)[number];

/** `bad` costs capacity, `warn` costs none or is only forming. */
export type Level = 'bad' | 'warn' | 'ok';

/** What the status page's headline counts, in its order: one, several. */
export const HEADLINES = {
  agent: ['agent fault', 'agent faults'],
  service: ['service down', 'services down'],
  nic: ['NIC failed', 'NICs failed'],
  degraded: ['NIC degraded', 'NICs degraded'],
  rack: ['rack failed', 'racks failed'],
  rs: ['real server down', 'real servers down'],
  flapping: ['real server flapping', 'real servers flapping'],
  path: ['path fault', 'path faults'],
  suspect: ['NIC suspect', 'NICs suspect'],
} as const;

/** What a verdict means for one kind of subject. */
interface Meaning {
  /** Whether the subject is taken out of service. */
  readonly takesOut?: true;
  /** What is done, for docs/attribution.md. */
  readonly action: string;
  readonly headline?: keyof typeof HEADLINES;
  /** The causes it can have, each with the rule that finds it. */
  readonly causes: Partial<Readonly<Record<VerdictCause, string>>>;
}

interface Entry {
  /** Stored in columns and state files: never changed, never given to another verdict. */
  readonly code: number;
  /** Place in lists, 1 = what a person should look at first. */
  readonly severity: number;
  readonly level: Level;
  /** Nothing has failed: a verdict is forming. */
  readonly forming?: true;
  /** NIC verdicts only rise in rank until the NIC has recovered. */
  readonly rank?: number;
  /** Agent verdicts freeze everything: the agent's state, as `fourlane_agent_state` and the API name it. */
  readonly state?: string;
  /** Colour in dashboards. */
  readonly colour?: string;
  readonly of: Partial<Readonly<Record<SubjectKind, Meaning>>>;
}

const NO_ACTION = 'none';
const FREEZE =
  '**freeze**: nothing changes at all. When it ends, what was decided before must be seen for another T + timeout before it acts';
const SLICES_OFF = "the NIC's slices are disabled; weights stay";

/** In the order in which metrics list the series. */
const TABLE = {
  NIC_FAIL: {
    code: 3,
    severity: 5,
    level: 'bad',
    rank: 5,
    colour: 'red',
    of: {
      nic: {
        takesOut: true,
        action: SLICES_OFF,
        headline: 'nic',
        causes: { carrier: 'R2', link: 'R3', upstream: 'R3', lossy: 'R4b', none: 'R3' },
      },
    },
  },
  NIC_PARTIAL: {
    code: 2,
    severity: 10,
    level: 'warn',
    rank: 3,
    colour: 'orange',
    of: {
      nic: {
        action: 'none of its own: its dead paths are removed as PATH',
        headline: 'degraded',
        causes: { none: 'R4', lossy: 'R4b' },
      },
    },
  },
  PROBE_PATH_FAULT: {
    code: 5,
    severity: 7,
    level: 'bad',
    rank: 4,
    colour: 'purple',
    of: { nic: { action: NO_ACTION, headline: 'degraded', causes: { none: 'R11' } } },
  },
  DATA_PATH_FAULT: {
    code: 6,
    severity: 6,
    level: 'bad',
    rank: 2,
    colour: 'purple',
    of: { nic: { action: NO_ACTION, headline: 'degraded', causes: { none: 'R11' } } },
  },
  SUSPECT: {
    code: 1,
    severity: 13,
    level: 'warn',
    forming: true,
    rank: 1,
    colour: 'yellow',
    of: { nic: { action: NO_ACTION, headline: 'suspect', causes: { none: 'R5', not_yet_valid: 'R5', bfd: 'R15' } } },
  },
  RS_DOWN: {
    code: 8,
    severity: 11,
    level: 'bad',
    of: {
      rs: {
        takesOut: true,
        action: 'weight 0 in every service that uses the check',
        headline: 'rs',
        causes: { unreachable: 'R6', refused: 'R6', l7: 'R6', local_path: 'R14' },
      },
    },
  },
  FLAPPING: {
    code: 4,
    severity: 9,
    level: 'bad',
    rank: 6,
    colour: 'red',
    of: {
      nic: {
        takesOut: true,
        action: SLICES_OFF,
        headline: 'nic',
        causes: { none: 'R13', carrier: 'R13', link: 'R13', upstream: 'R13', lossy: 'R13' },
      },
      rs: { action: 'at most 25 % of the weight', headline: 'flapping', causes: { none: 'R13' } },
    },
  },
  PATH: {
    code: 7,
    severity: 12,
    level: 'warn',
    of: {
      path: {
        takesOut: true,
        action: "the real server leaves this NIC's slice only",
        headline: 'path',
        causes: { link: 'R7', refused: 'R7', l7: 'R7' },
      },
    },
  },
  RACK_FAULT: {
    code: 9,
    severity: 8,
    level: 'bad',
    of: { rack: { action: NO_ACTION, headline: 'rack', causes: { none: 'R8' } } },
  },
  ALL_RS_DOWN: {
    code: 10,
    severity: 2,
    level: 'bad',
    state: 'all_rs_down',
    of: { agent: { action: FREEZE, headline: 'agent', causes: { none: 'R9' } } },
  },
  AGENT_ISOLATED: {
    code: 11,
    severity: 1,
    level: 'bad',
    state: 'isolated',
    of: { agent: { action: FREEZE, headline: 'agent', causes: { none: 'R9' } } },
  },
  AGENT_ILL: {
    code: 13,
    severity: 3,
    level: 'bad',
    state: 'ill',
    of: { agent: { action: FREEZE, headline: 'agent', causes: { none: 'R14' } } },
  },
  AGENT_STALLED: {
    code: 12,
    severity: 4,
    level: 'bad',
    state: 'stalled',
    of: { agent: { action: FREEZE, headline: 'agent', causes: { none: 'R0' } } },
  },
  OK: {
    code: 0,
    severity: 14,
    level: 'ok',
    rank: 0,
    colour: 'green',
    of: Object.fromEntries(SUBJECTS.map((kind) => [kind, { action: NO_ACTION, causes: { none: 'R1' } }])),
  },
} as const satisfies Readonly<Record<string, Entry>>;

export type VerdictName = keyof typeof TABLE;
/** Names of the verdicts that an agent can have of itself. */
export type AgentVerdict = { [V in VerdictName]: (typeof TABLE)[V] extends { state: string } ? V : never }[VerdictName];
/** The agent's states that its own verdicts lead to. */
export type FrozenState = Extract<(typeof TABLE)[VerdictName], { state: string }>['state'];

/** The table by name. */
export const VERDICT_TABLE: Readonly<Record<VerdictName, Entry>> = TABLE;
const NAMES = Object.keys(TABLE) as VerdictName[];

/** Names in code order: the code is the index. */
export const VERDICTS: readonly VerdictName[] = NAMES.toSorted((a, b) => TABLE[a].code - TABLE[b].code);
/** Code of each verdict. */
export const VERDICT = Object.fromEntries(VERDICTS.map((name, code) => [name, code])) as Record<VerdictName, number>;
/** Code of each cause. */
export const CAUSE = Object.fromEntries(VERDICT_CAUSES.map((name, code) => [name, code])) as Record<VerdictCause, number>;

/** Names that a kind of subject can have, OK last. */
export function verdictsOf(kind: SubjectKind): readonly VerdictName[] {
  return NAMES.filter((name) => VERDICT_TABLE[name].of[kind] !== undefined);
}

/** Verdicts of the agent in code order. */
export const AGENT_VERDICTS = VERDICTS.filter((name): name is AgentVerdict => 'state' in TABLE[name]);

/** The verdict of an agent that is cut off while its real servers are not: what `onIsolated` follows. */
export const CUT_OFF = 'AGENT_ISOLATED' satisfies AgentVerdict;

/** The agent's state while it has this verdict. */
export function frozenState(verdict: AgentVerdict): FrozenState {
  return TABLE[verdict].state;
}

/** The pairs of verdict and cause that a kind of subject can have, OK first. */
export function pairsOf(kind: SubjectKind): readonly (readonly [VerdictName, VerdictCause])[] {
  const named = verdictsOf(kind).filter((name) => name !== 'OK');
  return (['OK', ...named] as const).flatMap((name) =>
    (Object.keys(VERDICT_TABLE[name].of[kind]!.causes) as VerdictCause[]).map((cause) => [name, cause] as const),
  );
}

/** By code: 1 = a verdict that takes such a subject out of service. */
export function takesOut(kind: SubjectKind): Uint8Array {
  return Uint8Array.from(VERDICTS, (name) => (VERDICT_TABLE[name].of[kind]?.takesOut ? 1 : 0));
}

/** R-number of the rule that gives this verdict for this cause. */
export function ruleOf(kind: SubjectKind, verdict: VerdictName, cause: VerdictCause): string {
  const causes = VERDICT_TABLE[verdict].of[kind]?.causes ?? {};
  return causes[cause] ?? Object.values(causes)[0] ?? 'R1';
}

/** Whether something has failed: neither OK nor only forming. */
export function isFault(verdict: VerdictName): boolean {
  return verdict !== 'OK' && VERDICT_TABLE[verdict].forming !== true;
}
