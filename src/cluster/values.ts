/**
 * What stands in etcd: the schema of each JSON value. Bounds keep one value far below the 1.5 MB that etcd takes; unknown entries
 * are dropped, so that an older agent reads what a newer one wrote.
 */
import * as z from 'zod';

/** Shards of a release: a service is in the one that the hash of its key names. */
export const SHARDS = 64;

const MOST_TEXT = 1000;
const revision = z.int().min(0);
const count = z.int().min(0).max(100_000_000);
/** For people only: clocks of machines are never compared. */
const at = z.iso.datetime();

/** SHA-256 in hex: the identity of a blob or of a whole configuration. */
export const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits in lower case');
/** A name that is one part of a key. */
export const name = z
  .string()
  .min(1, 'must not be empty')
  .max(200, 'must have at most 200 characters')
  .regex(/^[^\p{Cc}\p{Cf}]*$/u, 'must not hold control or invisible characters');
const text = z.string().max(MOST_TEXT, `must have at most ${MOST_TEXT} characters`);
const who = z.object({ by: name, at, why: text });

/** What a release may do although a limit forbids it, as a person said. */
const allowance = z.object({
  /** Share of VIPs and of real servers that may be removed, 0–1. */
  removed: z.number().min(0).max(1),
});

export const release = z.object({
  n: z.int().min(1),
  /** Of base and shards; author, reason and number are no part of it. */
  root: hash,
  /** Root of the release that this one was made from; null = the first. */
  parent: hash.nullable(),
  author: name,
  at,
  reason: text,
  base: hash,
  shards: z.array(hash).length(SHARDS, `must have ${SHARDS} entries`),
  allow: allowance.optional(),
  /** Ed25519 over cluster, root and allowance, base64. */
  signature: z.base64().length(88, 'must be a signature of 64 bytes in base64').optional(),
});

const version = z.object({ release: z.int().min(1), root: hash });
/** `prepare` stands beside what runs, so that a server that starts meanwhile still knows what to run. */
export const target = version.extend({ prepare: version.optional() });

export const roster = z.object({
  ring: name,
  site: name.optional(),
  rack: name.optional(),
  /** What it shares its way out with: servers on the same one are no witnesses for each other. */
  uplink: name.optional(),
  role: name.optional(),
});

const calendar = z.object({
  /** Cron expression of the beginnings. */
  cron: z.string().min(1).max(200),
  zone: z.string().min(1).max(100),
  forMs: z.int().min(60_000).max(604_800_000),
});

export const maintenance = who.extend({
  subject: z.union([z.object({ server: name, nic: name.optional() }), z.object({ realServer: name })]),
  /** When it ends by itself; left out = when a person ends it. */
  until: at.optional(),
  /** It holds at these times only. */
  calendar: calendar.optional(),
});

export const member = z.object({
  /** Changes with each start of the process. */
  boot: name,
  version: name,
  addresses: z.array(name).max(16),
  /** Those that its plan announces over every uplink, as routing daemons write them. */
  prefixes: z.array(name).max(64).optional(),
  /** It runs the target of its ring: actuators may announce. */
  ready: z.boolean(),
});

/** What applying would change or has changed, on one server. */
export const planCounts = z.object({
  added: count,
  removed: count,
  changed: count,
  /** What takes something out of service or restarts it. */
  actions: count,
});

export const APPLIED_STATES = ['prepared', 'applying', 'applied', 'failed', 'refused', 'held'] as const;

export const applied = z.object({
  release: z.int().min(0),
  /** Wanted, by the pointer of revision `seen`. */
  root: hash.nullable(),
  seen: revision,
  state: z.enum(APPLIED_STATES),
  /** What the data plane has; null = nothing yet. */
  running: hash.nullable(),
  /** Fetched, checked and planned, not applied. */
  prepared: hash.nullable(),
  lastGood: hash.nullable(),
  plan: planCounts.nullable(),
  error: text.nullable(),
  attempt: z.int().min(0).max(1_000_000),
  boot: name,
  version: name,
  /** Of the compiled plan without this server's own parts. */
  planHash: hash.nullable(),
  /** Where the data plane differs from the plan; at most five samples. */
  drift: z.object({ count, samples: z.array(text).max(5) }),
});

const share = z.number().gt(0).max(1);
export const SCOPES = ['cluster', 'site', 'rack'] as const;

export const budgetRule = z
  .object({
    scope: z.enum(SCOPES),
    /** Most servers gone at once, as a number and as a share of the scope: the greater of the two. */
    max: z.object({ servers: z.int().min(0).max(10_000).optional(), share: share.optional() }),
    /** Servers of the scope that must go on announcing. */
    floor: z.int().min(0).max(10_000).default(1),
    /** Acts that one server may make while etcd does not answer. */
    blind: z.int().min(0).max(100).default(0),
  })
  .refine(({ max }) => max.servers !== undefined || max.share !== undefined, 'max needs "servers", "share" or both');

/** The last asker whom the budget was granted: each grant rewrites it, so that no two are made from the same count. */
export const budgetGate = z.object({ by: name, at });

export const budgetHolder = who.extend({
  boot: name,
  /** What is out of service: `server`, `nic eth2`. */
  subjects: z.array(name).min(1).max(64),
  /** `asked` until it has acted. */
  state: z.enum(['asked', 'acted']),
});

export const poison = who;
export const lead = z.object({ by: name, at });

export const ROLLOUT_STATES = [
  'preparing',
  'applying',
  'soaking',
  'halted',
  'rollingBack',
  'rolledBack',
  'backFailed',
  'done',
] as const;

export const stage = z.object({ ring: name, soakMs: z.int().min(0).max(604_800_000) });

export const rollout = z.object({
  n: z.int().min(1),
  to: version,
  /** What each ring runs when this begins, for the way back. */
  from: z.record(name, version),
  stages: z.array(stage).min(1).max(32),
  /** Index of the stage that is applied or soaks. */
  stage: z.int().min(0).max(31),
  state: z.enum(ROLLOUT_STATES),
  why: text,
  onHalt: z.enum(['rollback', 'stay']),
  /** Absent servers that do not hold it up. */
  allowAbsent: z.int().min(0).max(10_000),
  /** Real servers that only the first stage's servers missed before it began: no fault of the release. */
  baseline: z.array(name).max(256),
  startedBy: name,
  at,
});

export type Release = z.output<typeof release>;
export type Target = z.output<typeof target>;
export type Version = z.output<typeof version>;
export type RosterEntry = z.output<typeof roster>;
export type Maintenance = z.output<typeof maintenance>;
export type Member = z.output<typeof member>;
export type Applied = z.output<typeof applied>;
export type AppliedState = Applied['state'];
export type PlanCounts = z.output<typeof planCounts>;
export type BudgetRule = z.output<typeof budgetRule>;
export type BudgetHolder = z.output<typeof budgetHolder>;
export type Rollout = z.output<typeof rollout>;
