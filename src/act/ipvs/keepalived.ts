/**
 * Does a keepalived that runs here manage this service? It owns the weights of every virtual server of its configuration: it
 * writes the configured weight at each recovery, whatever others have set meanwhile.
 */
import { dirname, join } from 'node:path';
import { configFileOf, hasCheckers } from '../../keepalived/command-line.ts';
import { type Found, gathering } from '../../keepalived/read/files.ts';
import { parseAddress } from '../../model/address.ts';
import { readIfExists } from '../../sys/files.ts';
import { pathsMatching } from '../../sys/glob.ts';
import { isTrusted, networkOf, type Process, processesNamed } from '../../sys/process.ts';
import { mentionedIn } from './keepalived-conf.ts';

/** Says who manages a service, in words; undefined when nobody does. Rejects with the signal's reason. */
export type Owner = (vip: string, signal: AbortSignal) => Promise<string | undefined>;

const DEFAULT_FILE = '/etc/keepalived/keepalived.conf';
const MOST_FILES = 2000;
const MOST_BYTES = 16 << 20;
/** How long an answer about the processes and files holds, ms. */
const FRESH_MS = 5000;

interface Managed {
  /** `keepalived (pid 812, /etc/keepalived/keepalived.conf)`. */
  readonly who: string;
  readonly services: ReadonlySet<string>;
  /** Why it may manage more than `services`; '' when it is known not to. */
  readonly unclear: string;
}

/** Looks at the keepalived processes of our network namespace and at their files, at most every few seconds. */
export function keepalivedOwner(clock: () => number, find: () => Promise<readonly Process[]> = ours): Owner {
  let read: Promise<readonly Managed[]> | undefined;
  let at = 0;
  return async (vip, signal) => {
    if (read === undefined || clock() - at > FRESH_MS) {
      at = clock();
      read = find().then((processes) => Promise.all(processes.map(managedBy)));
    }
    const name = nameOf(vip);
    for (const { who, services, unclear } of await unlessAborted(read, signal)) {
      if (services.has(name)) return `${who} manages this service`;
      if (unclear !== '') return `${who} may manage this service: ${unclear}`;
    }
    return undefined;
  };
}

/** The promise's value, or the signal's reason when that comes first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort));
}

/** The first process of each keepalived that may touch the tables; its children have the same arguments. */
async function ours(): Promise<readonly Process[]> {
  const [all, here] = await Promise.all([processesNamed('keepalived'), networkOf('self')]);
  const near = all.filter((p) => (p.network === '' || p.network === here) && isTrusted(p.uid));
  return [...new Map(near.toReversed().map((p) => [p.argv.join('\0'), p])).values()];
}

async function managedBy({ pid, argv }: Process): Promise<Managed> {
  const file = configFileOf(argv) ?? DEFAULT_FILE;
  const who = `keepalived (pid ${pid}, ${file})`;
  if (!hasCheckers(argv)) return { who, services: new Set(), unclear: '' };
  const root = `/proc/${pid}/root`;
  try {
    const { services, unclear } = await mentionedBy(join(root, file), root);
    return { who, services, unclear };
  } catch (error) {
    return { who, services: new Set(), unclear: `its configuration can't be read: ${(error as Error).message}` };
  }
}

/** What a file and all that it includes contain. @param root where the paths of the process begin */
async function mentionedBy(path: string, root: string): Promise<Pick<Managed, 'services' | 'unclear'>> {
  let bytes = MOST_BYTES;
  let files = 0;
  const read = async (name: string): Promise<Found[]> => {
    if (++files > MOST_FILES) throw new Error(`it includes more than ${MOST_FILES} files`);
    const content = await readIfExists(name, bytes);
    bytes -= content?.length ?? 0;
    // An include of nothing is not an error for keepalived either.
    return content === undefined ? [] : [{ path: name, text: content.toString('utf8') }];
  };
  const text = (await read(path))[0]?.text ?? '';
  const found = await gathering(
    (included) => mentionedIn(text, { path, files: included }),
    async ({ pattern, from }) => {
      const paths = await pathsMatching(pattern.startsWith('/') ? join(root, pattern) : join(dirname(from), pattern), MOST_FILES);
      const all: Found[] = [];
      for (const name of paths) all.push(...(await read(name)));
      return all;
    },
  );
  const { services, includes } = found;
  const open = includes.find((include) => include.includes('$'));
  const line = found.unclear === '' ? (open === undefined ? '' : `include ${open}`) : found.unclear;
  return { services, unclear: line === '' ? '' : `"${line.slice(0, 80)}" in its configuration is not followed by fourlane` };
}

/** A vip as `mentionedIn` names it. */
function nameOf(vip: string): string {
  const mark = /^fwmark:(\d+)$/.exec(vip)?.[1];
  if (mark !== undefined) return `fwmark ${mark}`;
  const address = parseAddress(vip.slice(0, vip.lastIndexOf('/')));
  return address === undefined ? vip : `${address.ip} ${address.port}`;
}
