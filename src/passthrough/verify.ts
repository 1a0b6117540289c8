/** Verifies one real server directly, or one service through its VIP. */
import { contains, parsePrefix } from '../edge/prefix.ts';
import { secureContext, serverName, type TlsParameters } from '../checks/tls-parameters.ts';
import { parseAddress } from '../model/address.ts';
import { type Address, type CheckProfile, type Passthrough, type Plan, type Service, targetsOf } from '../model/plan.ts';
import { askAsClient, type ClientTls } from '../sys/as-client.ts';
import type { Verified } from './findings.ts';
import { headerVersion, judgeCheck, judgeEcho, judgeListener, judgeOption, judgeUnsent } from './judge.ts';
import { ownAddresses, Requests } from './requests.ts';
import { judgeThrough, type ThroughAnswer } from './through.ts';
import type { Senders } from './toa/senders.ts';

/** Something to verify; plain values, so that it can be sent to a thread. */
export type Job =
  | {
      readonly way: 'direct';
      readonly service: string;
      readonly realServer: string;
      /** Kernel interface that the requests are bound to. */
      readonly device: string;
      readonly address: Address;
      readonly check: CheckProfile;
      readonly passthrough: Passthrough;
    }
  | {
      readonly way: 'vip';
      readonly service: string;
      /** Any of those behind the VIP. */
      readonly realServer: '';
      readonly address: Address;
      readonly echo: string;
      /** A check of a real server behind it, of type ssl if there is one: its names and its TLS are those of the service. */
      readonly check: CheckProfile;
      /** The addresses of all load balancers of the cluster, as a prefix; undefined: not known. */
      readonly pool: string | undefined;
    };

/** What was found of one job; `vip`: one entry. */
export interface Done {
  readonly job: Pick<Job, 'way' | 'service' | 'realServer'>;
  readonly found: readonly Verified[];
}

export type Declared = Pick<Plan, 'services' | 'targets' | 'snat'> & { readonly nics: readonly { readonly device: string }[] };

/** Connections through a VIP: each from another port, and so mostly on another core. */
const CONNECTIONS = 8;
const TIMEOUT_MS = 2000;
const MOST_BYTES = 1024;

/** Everything that the services with the key `passthrough` declare. */
export function jobsOf(plan: Declared): readonly Job[] {
  return plan.services.flatMap((service) => {
    const { passthrough } = service;
    if (passthrough === undefined) return [];
    return [
      ...(passthrough.through.includes('direct') ? directJobs(plan, service, passthrough) : []),
      ...(passthrough.through.includes('vip') ? vipJobs(plan, service, passthrough) : []),
    ];
  });
}

function directJobs({ nics, targets }: Declared, service: Service, passthrough: Passthrough): readonly Job[] {
  const { device } = nics[service.nics[0]!]!;
  return service.realServers.map(({ target }) => {
    const { realServer, address, check } = targets[target]!;
    return { way: 'direct', service: service.name, realServer, device, address, check, passthrough };
  });
}

function vipJobs({ snat, targets }: Declared, { name, vip, realServers }: Service, { echo }: Passthrough): readonly Job[] {
  const address = parseAddress(vip.slice(0, vip.lastIndexOf('/')));
  if (address === undefined || echo === undefined) return [];
  const checks = targetsOf(realServers[0]!).map((target) => targets[target]!.check);
  const check = checks.find(({ type }) => type === 'ssl') ?? checks[0]!;
  return [{ way: 'vip', service: name, realServer: '', address, echo, check, pool: snat?.pool }];
}

/** Resolves when all of it has been seen, or could not be. Never rejects. What `senders` has sent is closed by its owner. */
export async function verify(job: Job, senders: Senders): Promise<Done> {
  const { way, service, realServer } = job;
  const found = job.way === 'direct' ? await verifyDirect(job, senders) : [await verifyThrough(job)];
  return { job: { way, service, realServer }, found };
}

type Of<W extends Job['way']> = Extract<Job, { way: W }>;

async function verifyDirect(
  { device, address, check, passthrough }: Of<'direct'>,
  senders: Senders,
): Promise<readonly Verified[]> {
  const version = headerVersion(passthrough);
  const path = passthrough.echo ?? '/';
  const requests = new Requests(device, address, check);
  const bare = await requests.answer(path);
  const listener = judgeListener(passthrough, bare, version && (await requests.answer(path, version)));
  const found = [judgeCheck(passthrough, check), listener];
  if (passthrough.echo === undefined || listener.cause !== undefined) return found;
  if (version !== undefined) return [...found, judgeEcho(await requests.echo(passthrough.echo, version))];
  if (passthrough.option === undefined) return found;
  const { kind, mark } = passthrough.option;
  const missing = await senders.missing(passthrough.option, address.family);
  if (missing !== undefined) return [...found, judgeUnsent(missing)];
  return [...found, judgeOption(await requests.echoOfMarked(passthrough.echo, mark), kind)];
}

async function verifyThrough({ address: { ip, port }, echo, check, pool }: Of<'vip'>): Promise<Verified> {
  if (ownAddresses().includes(ip))
    return {
      level: 'P3',
      cause: 'vip_here',
      found: `${ip} is an address of this machine: a request to it would not pass the network; ask from a machine without it`,
    };
  let over: ReturnType<typeof asService>;
  try {
    over = asService(check);
  } catch (error) {
    return { level: 'P3', cause: 'unreachable', found: `its check's ca cannot be used: ${(error as Error).message}` };
  }
  const request = { host: ip, port, path: echo, ...over, timeoutMs: TIMEOUT_MS, mostBytes: MOST_BYTES };
  const answers: ThroughAnswer[] = [];
  for (let k = 0; k < CONNECTIONS; k++) {
    answers.push(await askAsClient(request));
    if (k === 0 && !('status' in answers[0]!)) break;
  }
  const snat = pool === undefined ? undefined : parsePrefix(pool);
  return judgeThrough(answers, (text) => {
    const one = parsePrefix(text);
    return snat !== undefined && one !== undefined && contains(snat, one);
  });
}

/** How clients ask for the service, as its check shows. @throws Error when its CA file can't be read or holds none */
function asService(check: CheckProfile): { readonly name?: string; readonly tls?: ClientTls } {
  const { host } = check as { readonly host?: string };
  const named = host === undefined || host === '' ? {} : { name: host };
  if (check.type !== 'ssl') return named;
  const parameters = check as CheckProfile & TlsParameters;
  const tls = { context: secureContext(parameters), name: serverName(parameters, host), verify: parameters.verify };
  return { ...named, tls };
}
