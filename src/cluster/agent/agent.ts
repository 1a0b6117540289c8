/**
 * A server's part in a release: carries out what the life of a release (`applied/`) decides. It fetches, has the configuration
 * checked and applied by whoever can, keeps what is good on the disk, and reports. Nothing of it is lost while etcd is ill.
 */
import { Backoff, spread } from '../../model/backoff.ts';
import { codeOf } from '../../model/errors.ts';
import type { ReleaseSettings } from '../../model/plan.ts';
import { wasGood } from '../applied/record.ts';
import { reduce } from '../applied/reduce.ts';
import { appliedOf, type LifeEffect, type LifeEvent, type LifeState, stateOf } from '../applied/state.ts';
import { Repairs } from '../drift/repairs.ts';
import { clusterPrefix, keyOf } from '../keys.ts';
import type { Items } from '../mirror/table.ts';
import type { CronCalendar } from '../roster/maintenance.ts';
import { type Calls, EtcdStore } from '../store/etcd-store.ts';
import { writeValue } from '../value-codec.ts';
import type { Applied, PlanCounts, Version } from '../values.ts';
import { type Booted, runs } from './boot.ts';
import type { Configuration, Examined, Wanted } from './configuration.ts';
import { fetchRelease } from './fetch.ts';
import { look, type Seen } from './seen.ts';
import type { Moment } from './moments.ts';
import type { ReleaseStatus } from './status.ts';
import { Writer } from './writer.ts';

export interface ReleaseAgentParts {
  readonly cluster: string;
  readonly server: string;
  readonly addresses: () => readonly string[];
  /** Prefixes that this server's plan announces over every uplink. */
  readonly prefixes: () => readonly string[];
  readonly settings: () => ReleaseSettings;
  readonly configuration: Configuration;
  readonly calendar: CronCalendar;
  /** Where the data plane is not as it was decided. */
  readonly drift: () => Applied['drift'];
  /** Puts the data plane as it was decided; false = this server doubts itself, and touches nothing. */
  readonly repair: () => boolean;
  /** Monotonic ms. */
  readonly clock: () => number;
  /** ms since 1970. */
  readonly wall: () => number;
  readonly log: (level: 'info' | 'warn' | 'error', fields: object, message: string) => void;
  /** What is shown of it is another. */
  readonly told: () => void;
  /** It has had its turn, as twice a second: so has now whoever does something as often. */
  readonly ticked: () => void;
  readonly at: (moment: Moment, release: number) => void;
}

/** The connection to etcd, and what is mirrored of it. */
export interface Joined extends Calls {
  hold(key: string, value: Uint8Array): void;
  readonly names: readonly string[];
  items(range: number): Items;
  readonly staleSince: number | undefined;
}

const TICK_MS = 500;
/** Ranges that say nothing of this server's release. */
const OF_OTHERS: ReadonlySet<string> = new Set(['member', 'evidence', 'budget']);
/** Maintenance begins and ends by the clock; what somebody else wrote in our name is written again. */
const LOOK_EVERY = 10;
const FIRST_MS = 300;
const LONGEST_MS = 10_000;
const NO_PLAN: PlanCounts = { added: 0, removed: 0, changed: 0, actions: 0 };

export class ReleaseAgent {
  readonly #p: ReleaseAgentParts;
  readonly #prefix: string;
  readonly #booted: Booted;
  readonly #writer: Writer;
  readonly #timer: NodeJS.Timeout;
  readonly #poison = new Set<string>();
  #state: LifeState;
  #turn: Promise<void> = Promise.resolve();
  #joined: Joined | undefined;
  #etcd: EtcdStore | undefined;
  readonly #repairs = new Repairs();
  #complete = new Set<number>();
  #seen: Seen | undefined;
  #ring = '';
  #fetchError = '';
  #saveError = '';
  #shown = '';
  #ticks = 0;
  #stopped = false;

  /** @param running what this process has begun with */
  constructor(booted: Booted, running: Version | undefined, parts: ReleaseAgentParts) {
    const { cluster, server, wall, told, clock } = parts;
    this.#p = parts;
    this.#booted = booted;
    this.#prefix = clusterPrefix(cluster);
    // The time that the start took is no time in which it was proven.
    this.#state = { ...runs(booted.state, running), since: clock() };
    const at = () => new Date(wall()).toISOString();
    this.#writer = new Writer({ server, at, told, etcd: () => this.#etcd });
    this.#queue(booted.effects);
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** The root of the release that runs; undefined = none does. */
  get running(): string | undefined {
    return this.#state.running?.root;
  }

  get directory(): string {
    return this.#booted.store.directory;
  }

  get status(): ReleaseStatus {
    const { work, held, running, ready, pointer, record } = this.#state;
    const { error, lastGood } = appliedOf(this.#state);
    const [seen, writer] = [this.#seen, this.#writer];
    const texts = [error ?? '', this.#fetchError, this.#saveError, writer.error, ...(seen?.problems ?? [])];
    if (seen !== undefined && seen.ring === undefined) texts.push('this server is not in the roster');
    return {
      target: pointer?.target.root,
      targetRelease: pointer?.target.release,
      running: running?.root,
      runningRelease: running?.release,
      lastGood: lastGood ?? undefined,
      state: pointer === undefined ? 'waiting' : stateOf(this.#state),
      work: work?.kind,
      ring: seen?.ring,
      held,
      ready,
      poison: record.poison.length,
      reported: !writer.pending,
      repairs: this.#repairs.counts,
      problems: texts.filter((text) => text !== ''),
    };
  }

  /** From now on etcd is reached so; undefined = not any more. */
  join(joined: Joined | undefined): void {
    this.#joined = joined;
    this.#complete = new Set();
    this.#etcd = joined && new EtcdStore(joined, this.#prefix);
    if (this.#state.written !== undefined) this.#announce(this.#state.ready);
    if (joined !== undefined) this.#writer.again();
  }

  /** Keys of a range have changed; `complete` = those that are known are of one moment. */
  changed(range: number, complete: boolean): void {
    const before = this.#complete.has(range);
    if (complete) this.#complete.add(range);
    else this.#complete.delete(range);
    if (complete !== before || !OF_OTHERS.has(this.#joined?.names[range] ?? '')) this.#look();
  }

  /** etcd answers again. */
  connected(): void {
    this.#writer.again();
  }

  /** The file of this server is another: what failed with the former one is tried again. */
  fileChanged(): void {
    if (this.#state.failure !== undefined) this.#dispatch({ kind: 'again' });
  }

  /** Resolves when the disk shows an end in order. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#writer.stop();
    this.#dispatch({ kind: 'stop' });
    this.#stopped = true;
    await this.#turn;
  }

  #tick(): void {
    this.#dispatch({ kind: 'tick' });
    if (++this.#ticks % LOOK_EVERY === 0) this.#lookAround();
    this.#p.ticked();
  }

  #lookAround(): void {
    this.#look();
    const drift = this.#p.drift();
    if (JSON.stringify(drift) !== JSON.stringify(this.#state.drift)) this.#dispatch({ kind: 'drift', drift });
    this.#compare();
    this.#repair(drift);
  }

  #repair(drift: Applied['drift']): void {
    const { settings, clock, log, repair } = this.#p;
    const acts = { again: () => this.#dispatch({ kind: 'again' }), repair, log };
    this.#repairs.look({ ...this.#state, drift }, { policies: settings().drift, now: clock() }, acts);
  }

  #mirrored = (range: string): Items => this.#joined!.items(this.#joined!.names.indexOf(range));

  /** Level-triggered: what is there now counts, whatever led to it. */
  #look(): void {
    const { server, calendar, wall, told } = this.#p;
    const { names } = this.#joined ?? {};
    if (names === undefined || names.some((_, range) => !this.#complete.has(range))) return;
    const seen = (this.#seen = look({ prefix: this.#prefix, server, mirrored: this.#mirrored, calendar, wall: wall() }));
    for (const [root, why] of seen.poison) {
      if (this.#poison.has(root)) continue;
      this.#poison.add(root);
      this.#dispatch({ kind: 'poison', root, why });
    }
    const { held } = seen;
    if (held !== this.#state.held) this.#dispatch({ kind: 'maintenance', ...(held === undefined ? {} : { why: held }) });
    const known = this.#state.pointer;
    if (seen.pointer !== undefined && (seen.pointer.seen !== known?.seen || seen.ring !== this.#ring)) {
      // Of another ring, or of an etcd that was restored: the numbers of before mean nothing.
      if (seen.ring !== this.#ring || seen.pointer.seen < known!.seen) {
        const { pointer: _, ...rest } = this.#state;
        this.#state = rest;
      }
      this.#ring = seen.ring!;
      this.#dispatch({ kind: 'pointer', ...seen.pointer });
    }
    told();
  }

  /** What etcd has of us is written again when it is not what was written: etcd was restored, or somebody has changed it. */
  #compare(): void {
    const { written } = this.#state;
    if (written === undefined || this.#joined === undefined || this.#joined.staleSince !== undefined || this.#writer.pending)
      return;
    const key = keyOf('applied', this.#p.server);
    const item = this.#mirrored('applied').get(this.#prefix + key);
    if (item === undefined || Buffer.compare(item.value, writeValue('applied', key, written)) !== 0)
      this.#writer.report(written, this.#ring);
  }

  #dispatch(event: LifeEvent): void {
    if (this.#stopped) return;
    const { clock, settings } = this.#p;
    const [state, effects] = reduce(this.#state, event, clock(), settings());
    this.#state = state;
    if (effects.length > 0) this.#queue(effects);
  }

  #queue(effects: readonly LifeEffect[]): void {
    this.#turn = this.#turn.then(() => this.#carryOut(effects));
  }

  /** In this order, each `save` on the disk before what follows; what takes long goes on by itself. Never rejects. */
  async #carryOut(effects: readonly LifeEffect[]): Promise<void> {
    const { log, at } = this.#p;
    let unsaved = '';
    for (const effect of effects) {
      switch (effect.do) {
        case 'save':
          at('save', this.#release());
          unsaved = await this.#save(effect.record);
          break;
        case 'check':
          void this.#check(effect.version);
          break;
        case 'apply':
          // A trial that the disk does not know of could crash for ever.
          if (unsaved === '') void this.#apply(effect.version);
          else this.#dispatch({ kind: 'applyFailed', root: effect.version.root, error: unsaved });
          break;
        case 'restore':
          void this.#restore(effect.version);
          break;
        case 'writeBack':
          at('report', effect.value.release);
          this.#writer.report(effect.value, this.#ring);
          this.#tell(effect.value);
          break;
        case 'poison':
          log('error', { root: effect.root }, `a release is not tried again: ${effect.why}`);
          this.#poison.add(effect.root);
          this.#writer.poison(effect.root, effect.why);
          break;
        case 'announce':
          at('announce', this.#release());
          this.#announce(effect.ready);
      }
    }
    this.#p.told();
  }

  #release = () => this.#state.pointer?.target.release ?? 0;

  async #save(record: LifeState['record']): Promise<string> {
    const { store } = this.#booted;
    try {
      await store.save(record);
      this.#saveError = '';
      // Nothing is fetched meanwhile: that is an effect of its own, and waits.
      if (this.#state.work === undefined) await store.keep(this.#needed(record));
    } catch (error) {
      this.#saveError = (error as Error).message;
      this.#p.log('error', {}, `the record of releases is not saved: ${this.#saveError}`);
    }
    this.#p.at('saved', this.#release());
    return this.#saveError;
  }

  /** Roots whose files a start, a comparison or a way back needs. @param saved what the disk has */
  #needed(saved: LifeState['record']): readonly string[] {
    const { running, checked, record } = this.#state;
    const versions = [saved, record].flatMap(({ good, before, trial }) => [good, before, trial]);
    return [...versions, running, checked].flatMap((each) => each?.root ?? []);
  }

  async #check(version: Version): Promise<void> {
    const { at } = this.#p;
    at('check', version.release);
    let examined = await this.#examine(version, false);
    // What is on the disk and not as it should be is fetched again, once: perhaps it is what runs, which it is compared with.
    if (examined.damaged) {
      const { running } = this.#state;
      if (running !== undefined) await this.#obtain(running, true).catch(() => undefined);
      examined = await this.#examine(version, true);
    }
    at('checked', version.release);
    const { refusals, plan, planHash } = examined;
    this.#dispatch({ kind: 'checked', root: version.root, refusals, plan, planHash });
  }

  async #examine(version: Version, again: boolean): Promise<Examined> {
    const { at, configuration } = this.#p;
    try {
      await this.#obtain(version, again);
    } catch (error) {
      return { refusals: [(error as Error).message], plan: NO_PLAN, planHash: '', damaged: false };
    }
    at('fetched', version.release);
    return configuration.examine(this.#wanted(version));
  }

  #wanted({ root }: Version): Wanted {
    const { running, record } = this.#state;
    return { root, running: running?.root, proven: wasGood(record, root) };
  }

  /** Tries until etcd answers. Rejects when the release itself is no good. */
  async #obtain(version: Version, again: boolean): Promise<void> {
    const backoff = new Backoff(FIRST_MS, LONGEST_MS);
    while (!this.#stopped) {
      try {
        if (this.#etcd === undefined) throw new Error('there is no etcd');
        await fetchRelease(version, { etcd: this.#etcd, store: this.#booted.store }, again);
        this.#fetchError = '';
        return;
      } catch (error) {
        this.#fetchError = '';
        if (codeOf(error) === 'CLUSTER_INVALID') throw error;
        this.#fetchError = `release ${version.release} is not here yet: ${(error as Error).message}`;
        this.#p.told();
        const pause = spread(backoff.next(), Math.random());
        await new Promise((resolve) => setTimeout(resolve, pause).unref());
      }
    }
  }

  async #apply(version: Version): Promise<void> {
    const { at, configuration } = this.#p;
    at('apply', version.release);
    const error = await configuration.apply(this.#wanted(version));
    at('applied', version.release);
    this.#dispatch(error === '' ? { kind: 'applied', root: version.root } : { kind: 'applyFailed', root: version.root, error });
  }

  async #restore(version: Version): Promise<void> {
    const { at, configuration, log } = this.#p;
    at('restore', version.release);
    const error = await configuration.putBack();
    if (error !== '') log('error', { release: version.release }, `what ran before is not restored as a whole: ${error}`);
    this.#dispatch({ kind: 'restored', root: version.root });
  }

  #announce(ready: boolean): void {
    const { server, addresses, prefixes } = this.#p;
    const { boot, version } = this.#state.self;
    const key = keyOf('member', server);
    const value = writeValue('member', key, { boot, version, addresses: [...addresses()], prefixes: [...prefixes()], ready });
    this.#joined?.hold(this.#prefix + key, value);
  }

  /** Logs how it goes on, once each. */
  #tell({ release, state, error, running, root }: Applied): void {
    const shown = `${root} ${state} ${error} ${running}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    const short = (hash: string | null) => hash?.slice(0, 12);
    const level = state === 'failed' || state === 'refused' ? 'error' : 'info';
    const fields = { state, root: short(root), running: short(running), ...(error === null ? {} : { error }) };
    this.#p.log(level, fields, `release ${release}: ${state}${error === null ? '' : `: ${error}`}`);
  }
}
