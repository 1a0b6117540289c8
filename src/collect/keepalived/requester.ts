/**
 * Dumps on request: one at a time. keepalived writes them in place, so a reader may meet an empty or torn file: a dump counts
 * once the file differs from before and is whole. Never removes the file.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { dirname, join } from 'node:path';
import { FileError, type FileVersion, fileVersion, readIfExists } from '../../sys/files.ts';
import { environmentOf, listensFor, type ProcessInfo, sendSignal, survives } from '../../sys/process.ts';
import { type Details, parseDetails } from '../../keepalived/state/details.ts';
import { type DumpedInstance, parseDump, TornError } from '../../keepalived/state/dump.ts';

/** A dump that was asked for. */
interface Question extends Place {
  /** The file as it was then. */
  readonly before: FileVersion | undefined;
  /** When, ms of the clock. */
  readonly asked: number;
  /** The VRRP process, and whose it is. */
  readonly pid: number;
  readonly uid: number;
}

/** The file as keepalived sees it, and the path that leads there from here, also into its own mount namespace. */
interface Place {
  readonly seen: string;
  readonly path: string;
}

export interface RequesterOptions {
  /** Where keepalived writes it, as keepalived sees it; undefined: keepalived.json in its directory for temporary files. */
  readonly file: string | undefined;
  /** Number of the signal that asks for JSON. */
  readonly signal: number;
  /** Whether to ask for the text dump too. */
  readonly details: boolean;
  /** Monotonic ms. */
  readonly clock: () => number;
}

export interface Dump {
  readonly instances: readonly DumpedInstance[];
  readonly details?: Details;
  /** Monotonic ms when it was asked for. */
  readonly asked: number;
  /** When keepalived wrote it, Unix seconds. */
  readonly written: number;
  /** From asking to having read it whole, ms. */
  readonly took: number;
}

/** SIGUSR1: the text dump. */
const SIGNAL_DATA = 10;
/** How long keepalived may take, ms. */
export const PATIENCE_MS = 2000;
/** Room for a dump of some three thousand instances; the text dump is smaller. */
const MAX_BYTES = 8 << 20;
/** What a file may have grown since its size was asked for, bytes. */
const SLACK = 4096;
/** A dump is written within this time, ms, and how often it is waited for that another one ends. */
const QUIET_MS = 50;
const MOST_WAITS = 10;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;

export class Requester {
  readonly #o: RequesterOptions;
  /** Reads of a dump that was not whole. */
  readonly retries = { empty: 0, torn: 0 };

  constructor(options: RequesterOptions) {
    this.#o = options;
  }

  /** Asks the VRRP process and waits. Rejects with what is wrong and what to do about it, or with the signal's reason. */
  async request(vrrp: ProcessInfo, signal: AbortSignal): Promise<Dump> {
    const { details, clock } = this.#o;
    await this.#check(vrrp);
    const place = await this.#place(vrrp);
    const { path } = place;
    const before = await this.#quiet(path, signal);
    const asked = clock();
    // Answered in this order, one after the other: once the JSON is whole, the text is too.
    if (details && (await survives(vrrp.pid, SIGNAL_DATA))) sendSignal(vrrp.pid, SIGNAL_DATA);
    sendSignal(vrrp.pid, this.#o.signal);
    const { instances, written } = await this.#wait({ ...place, before, asked, pid: vrrp.pid, uid: vrrp.uid }, signal);
    const text = details ? await readText(join(dirname(path), 'keepalived.data'), vrrp.uid) : undefined;
    return {
      instances,
      written,
      asked,
      took: clock() - asked,
      ...(text !== undefined && { details: parseDetails(text.toString('utf8')) }),
    };
  }

  /** A process that does not know the signal would be killed by it. */
  async #check({ pid }: ProcessInfo): Promise<void> {
    if (await listensFor(pid, this.#o.signal)) return;
    throw new Error(
      `the VRRP process ${pid} does not take signal ${this.#o.signal}: this keepalived is built without JSON (keepalived -v ` +
        `lists it); ` +
        'install one with it, set collectors.keepalived.jsonSignal to what keepalived --signum=JSON prints there, ' +
        'or set collectors.keepalived.dump to false and use the FIFO alone',
    );
  }

  async #place({ pid }: ProcessInfo): Promise<Place> {
    const tmp = (await environmentOf(pid, 'TMPDIR')) ?? '/tmp';
    const seen = this.#o.file ?? join(tmp, 'keepalived.json');
    return { seen, path: `/proc/${pid}/root${seen}` };
  }

  /**
   * The file while nobody writes it: what somebody else asked for is older than our question, and must not pass for its answer.
   */
  async #quiet(path: string, signal: AbortSignal): Promise<FileVersion | undefined> {
    for (let tries = 0; ; tries++) {
      const version = await versionOf(path);
      if (version === undefined || Date.now() - version.modified > QUIET_MS || tries === MOST_WAITS) return version;
      await sleep(QUIET_MS, undefined, { signal });
    }
  }

  async #wait(question: Question, signal: AbortSignal): Promise<Pick<Dump, 'instances' | 'written'>> {
    const { seen, path, before, asked, uid } = question;
    let problem = '';
    for (let pause = FIRST_PAUSE_MS; this.#o.clock() - asked < PATIENCE_MS; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
      await sleep(pause, undefined, { signal });
      const version = await versionOf(path);
      if (version === undefined || version.key === before?.key) continue;
      try {
        const text = await readText(path, uid);
        if (text !== undefined) return { instances: parseDump(text.toString('utf8')), written: version.modified / 1000 };
      } catch (error) {
        // Longer than a moment ago: its writer is at it.
        const torn = error instanceof TornError || (error instanceof FileError && error.code === 'EFBIG');
        if (!torn) throw new Error(`${seen}: ${(error as Error).message}`, { cause: error });
        this.retries[version.bytes === 0 ? 'empty' : 'torn']++;
        problem = (error as Error).message;
      }
    }
    throw new Error(await this.#diagnose(question, problem));
  }

  async #diagnose({ seen, path, before, pid }: Question, problem: string): Promise<string> {
    const what = `keepalived (VRRP process ${pid})`;
    if (problem !== '') return `${what} did not finish ${seen} within ${PATIENCE_MS} ms: ${problem}`;
    if ((await versionOf(dirname(path))) === undefined) {
      return (
        `${what} can't write its dump: it has no directory ${dirname(seen)}; create it, or set TMPDIR in keepalived's ` +
        `environment`
      );
    }
    const old = before === undefined ? '' : ', only an older one is there';
    return (
      `${what} did not write ${seen} within ${PATIENCE_MS} ms${old}: it is starved of CPU, has no vrrp_instance, can't ` +
      `write there ` +
      `(its log then says "Can't open": check read-only file systems, SELinux, AppArmor), or writes elsewhere ` +
      `(json_dump_file): ` +
      'name the file with collectors.keepalived.dumpFile'
    );
  }
}

/**
 * A file whose size is known only as it is looked at; undefined when there is none. Anybody may write to /tmp: only what its
 * user `uid` has put there himself is keepalived's.
 */
async function readText(path: string, uid: number): Promise<Buffer | undefined> {
  const version = await versionOf(path);
  return version && readIfExists(path, Math.min(version.bytes + SLACK, MAX_BYTES), { owners: [uid], link: false });
}

async function versionOf(path: string): Promise<FileVersion | undefined> {
  try {
    return await fileVersion(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const remedy = 'run fourlane as root or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH';
    throw new Error(`may not look at ${path} (${code}): ${remedy}`, { cause: error });
  }
}
