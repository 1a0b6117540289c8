/**
 * keepalived's JSON dump (vrrp_json.c). Only the fields named here are taken: a dump also has the passwords of `authentication`,
 * and up to 2.3 in clear. For the same reason no error quotes the text. Pure.
 */
import * as z from 'zod';
import type { State } from './notify.ts';

/** `state` of vrrp.h. */
const STATE: readonly State[] = ['init', 'backup', 'master', 'fault'];
/** Instances of one dump. Virtual routers of one interface and family are 255 at most. */
const MOST = 4000;

const count = z.int().nonnegative().default(0);
const priority = z.int().min(0).max(255);

const statistics = z.object({
  advert_rcvd: count,
  advert_sent: count,
  become_master: count,
  release_master: count,
  packet_len_err: count,
  advert_interval_err: count,
  ip_ttl_err: count,
  invalid_type_rcvd: count,
  addr_list_err: count,
  invalid_authtype: count,
  authtype_mismatch: count,
  auth_failure: count,
  pri_zero_rcvd: count,
  pri_zero_sent: count,
});
/** Counters of an instance since its process started. */
export type Statistics = z.output<typeof statistics>;

const entry = z.object({
  data: z.object({
    iname: z.string().min(1).max(512),
    ifp_ifname: z.string().max(64).default(''),
    vrid: z.int().min(0).max(255),
    version: z.int(),
    state: z.int().min(0).max(3),
    base_priority: priority,
    effective_priority: priority,
    master_priority: priority.default(0),
    last_transition: z.number().nonnegative(),
    adver_int: z.number().nonnegative(),
    vips: z.string().array().default([]),
    evips: z.string().array().default([]),
  }),
  stats: statistics,
});

export interface DumpedInstance {
  readonly name: string;
  readonly interface: string;
  readonly vrid: number;
  readonly version: number;
  readonly state: State;
  readonly basePriority: number;
  readonly effectivePriority: number;
  /** Of the master whose adverts came last; 0 = none yet. */
  readonly masterPriority: number;
  /** Unix seconds. Loading the configuration again counts as one. */
  readonly lastTransition: number;
  readonly advertInterval: number;
  /** Virtual addresses, excluded ones too, and how many of them are on the interface. */
  readonly addresses: number;
  readonly installed: number;
  readonly statistics: Statistics;
}

/** A dump that is not whole yet: its writer is at it. */
export class TornError extends Error {}

/** The instances of a dump. @throws as `parseEntries` */
export function parseDump(text: string): readonly DumpedInstance[] {
  return parseEntries(entry, text).map(instanceOf);
}

const brief = z.object({ data: z.object({ iname: z.string(), state: z.int(), vips: z.array(z.string()).default([]) }) });
/** What every release's dump has of an instance. */
export type BriefInstance = z.output<typeof brief>['data'];

/** The instances of a dump of any release, in brief. @throws as `parseEntries` */
export function parseBrief(text: string): readonly BriefInstance[] {
  return parseEntries(brief, text).map(({ data }) => data);
}

/**
 * The entries of a dump, each as `schema` reads it. A dump is a list (up to 2.2.7, and by default), or `{vrrp: […]}`
 * (json_version 2).
 * @throws TornError when it is not (yet) JSON; Error when it is, but no dump of keepalived.
 */
function parseEntries<T extends z.ZodType>(schema: T, text: string): readonly z.output<T>[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new TornError(text === '' ? 'it is empty' : `it ends in the middle, after ${text.length} characters`);
  }
  const list = schema.array().max(MOST);
  const parsed = z.union([list, z.object({ vrrp: list }).transform(({ vrrp }) => vrrp)]).safeParse(json);
  if (!parsed.success) {
    const issue = deepest(parsed.error.issues[0]!);
    throw new Error(`it is no dump of VRRP instances: ${issue.path.join('.') || 'the whole'}: ${issue.message}`);
  }
  return parsed.data;
}

function instanceOf({ data, stats }: z.output<typeof entry>): DumpedInstance {
  const addresses = [...data.vips, ...data.evips];
  return {
    name: data.iname,
    interface: data.ifp_ifname,
    vrid: data.vrid,
    version: data.version,
    state: STATE[data.state]!,
    basePriority: data.base_priority,
    effectivePriority: data.effective_priority,
    masterPriority: data.master_priority,
    lastTransition: data.last_transition,
    advertInterval: data.adver_int,
    addresses: addresses.length,
    installed: addresses.filter((a) => a.endsWith(' set')).length,
    statistics: stats,
  };
}

/** The issue of the form that fitted best, rather than that none did. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const all = issue.errors.flat();
  return all.reduce((best, i) => (i.path.length > best.path.length ? i : best), all[0] ?? issue);
}
