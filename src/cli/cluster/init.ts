/** `fourlane cluster init`: certificates, users, roles, budgets and roster of a new cluster, or of new servers of one. */
import { mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { firstBudgets, putRoster } from '../../cluster/api/edits.ts';
import { unreachable } from '../../cluster/store/failure.ts';
import { BUDGETS } from '../../cluster/budget/asks.ts';
import { apiRights, serverRights } from '../../cluster/roles.ts';
import { grantAccess } from '../../cluster/setup/access.ts';
import { certificateFiles, makeCertificates } from '../../cluster/setup/certificates.ts';
import { Caller } from '../../cluster/transport/caller.ts';
import { grpcDial } from '../../cluster/transport/grpc.ts';
import type { RosterEntry } from '../../cluster/values.ts';
import { FourlaneError } from '../../model/errors.ts';
import type { EtcdTls } from '../../model/plan.ts';
import { createFile, fileVersion } from '../../sys/files.ts';
import { monotonicMs } from '../../sys/clock.ts';
import { json as jsonOf, type Output, terminal } from '../output.ts';
import { edit } from './edit.ts';
import { EXIT } from './exit.ts';
import { etcdText, serverText } from './init-text.ts';
import { type ClusterFile, readClusterFile, Session } from './session.ts';
import { type Asked, countOf, runVerb, usage, type VerbSpec } from './verb.ts';

const SPEC: VerbSpec = {
  help: `Usage: fourlane cluster init --name NAME --etcd ADDRESS[,ADDRESS]... --server SERVER[:PLACE]... [--dir DIR]
       fourlane cluster init --server SERVER[:PLACE]... [--dir DIR]

Makes a cluster, or adds servers to one: an authority, a certificate for etcd, for the operator (api), for root and for each
server; in etcd a user and a role for each, the budgets, and the roster. Prints what to do on each machine. While etcd does not
run yet, it prints how to start it: then the same command again does the rest. Nothing that is there is overwritten.

  --name NAME     name of the cluster
  --etcd ADDRESS[:PORT]
                  members of etcd, by comma; default port 2379
  --server SERVER[:ring=RING,site=SITE,rack=RACK,uplink=UPLINK]
                  a server, by the name it has as "server" in its fourlane.yaml; default ring "default"
  --dir DIR       where certificates and cluster.yaml are; default ./fourlane-cluster
  --days N        how long new certificates are valid; default 365
`,
  options: {
    name: { type: 'string' },
    etcd: { type: 'string' },
    server: { type: 'string', multiple: true },
    dir: { type: 'string', default: './fourlane-cluster' },
    days: { type: 'string', default: '365' },
  },
};

const MOST_DAYS = 3650;
/** Servers that exchange evidence; some room, so that a roster may grow. */
const SHARD = 32;
const LEAST_SHARDS = 4;

/** Runs the verb; resolves with its exit status. */
export function init(argv: readonly string[], io: Output = terminal): Promise<number> {
  return runVerb(argv, io, SPEC, run);
}

interface Parts {
  readonly dir: string;
  readonly file: ClusterFile;
  readonly servers: ReadonlyMap<string, RosterEntry>;
  readonly made: readonly string[];
}

async function run(asked: Asked, { by }: { readonly by: string }): Promise<number> {
  const { io, json, words } = asked;
  if (words.length > 0) throw usage(`found "${words[0]}"; init takes options only, see --help`);
  const dir = resolve(asked.text('dir')!);
  const servers = new Map(asked.list('server').map(serverOf));
  if (servers.size === 0) throw usage('--server SERVER is missing: name each load balancer');
  const days = countOf('--days', asked.text('days')!, MOST_DAYS);
  const file = await fileOf(asked, dir);
  const hosts = file.etcd.endpoints.map((endpoint) => new URL(endpoint).hostname.replace(/^\[|\]$/g, ''));
  const made = await certificates(dir, days, { hosts, users: ['root', 'api', ...servers.keys()] });
  const parts: Parts = { dir, file, servers, made };
  if (!json) io.out(`${dir}: ${made.length === 0 ? 'all certificates are there' : `made certificates for ${made.join(', ')}`}\n`);
  try {
    await grant(parts, by);
  } catch (error) {
    const failure = unreachable(error);
    if (failure.code !== 'CLUSTER_UNREACHABLE') throw failure;
    if (json) io.out(jsonOf({ dir, made, etcd: null, error: { code: failure.code, message: failure.message } }));
    else io.err(`fourlane: ${failure.message}\n\n${etcdText(file, dir)}`);
    return EXIT.unreachable;
  }
  if (json) io.out(jsonOf({ dir, made, etcd: file.etcd.endpoints, servers: [...servers.keys()] }));
  else io.out(`etcd has users, roles, budgets and the roster of ${file.name}\n\n${serverText(file, dir, [...servers.keys()])}`);
  return EXIT.done;
}

async function certificates(
  dir: string,
  days: number,
  { hosts, users }: { readonly hosts: readonly string[]; readonly users: readonly string[] },
): Promise<readonly string[]> {
  const serves = [...new Set([...hosts, '127.0.0.1', 'localhost'])];
  try {
    return await makeCertificates(dir, [{ name: 'etcd', serves, days }, ...users.map((name) => ({ name, days }))]);
  } catch (error) {
    throw new FourlaneError('STATE_UNWRITABLE', (error as Error).message, { cause: error });
  }
}

/** `lb-01:ring=canary,rack=r1`. Throws USAGE. */
function serverOf(text: string): readonly [string, RosterEntry] {
  const [server = '', places = ''] = text.split(/:(.*)/s);
  const entry: Record<string, string> = { ring: 'default' };
  for (const part of places === '' ? [] : places.split(',')) {
    const m = /^(ring|site|rack|uplink|role)=(.+)$/.exec(part);
    if (m === null) throw usage(`--server ${text}: found "${part}"; allowed: ring=, site=, rack=, uplink=, role=`);
    entry[m[1]!] = m[2]!;
  }
  if (['etcd', 'root', 'api', 'ca'].includes(server))
    throw usage(`--server ${server}: this name is taken; call the server otherwise`);
  return [server, entry as RosterEntry];
}

function tlsOf(dir: string, user: string): EtcdTls {
  return { ca: join(dir, 'ca.pem'), ...certificateFiles(dir, user) };
}

/** The cluster's file: as it is, or made. Throws CLUSTER_CONFLICT when it is another cluster's. */
async function fileOf(asked: Asked, dir: string): Promise<ClusterFile> {
  const path = join(dir, 'cluster.yaml');
  const [name, etcd] = [asked.text('name'), asked.text('etcd')];
  const endpoints = etcd?.split(',').map(endpointOf);
  if ((await fileVersion(path)) !== undefined) {
    const there = await readClusterFile(path);
    const isOther =
      (name ?? there.name) !== there.name || (endpoints ?? there.etcd.endpoints).join() !== there.etcd.endpoints.join();
    if (!isOther) return there;
    throw new FourlaneError(
      'CLUSTER_CONFLICT',
      `${path} is of cluster ${there.name} with ${there.etcd.endpoints.join(', ')}, and init overwrites nothing; ` +
        'name another --dir',
    );
  }
  if (name === undefined || endpoints === undefined)
    throw usage('--name and --etcd are missing: there is no cluster in this --dir yet');
  const made: ClusterFile = { name, etcd: { endpoints, tls: tlsOf(dir, 'api') } };
  const { ca, cert, key } = made.etcd.tls;
  const text = [
    'cluster:',
    `  name: ${JSON.stringify(name)}`,
    '  etcd:',
    `    endpoints: ${JSON.stringify(endpoints)}`,
    '    tls:',
    ...Object.entries({ ca, cert, key }).map(([part, file]) => `      ${part}: ${JSON.stringify(file)}`),
  ];
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await createFile(path, `${text.join('\n')}\n`, 0o640);
  return readClusterFile(path);
}

function endpointOf(text: string): string {
  const m = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]]+|[0-9A-Fa-f:.]+:[0-9A-Fa-f:.]*)(?::(\d{1,5}))?$/.exec(text.trim());
  const host = isIP(text.trim()) === 6 ? `[${text.trim()}]` : m?.[1];
  if (host === undefined) throw usage(`--etcd: found "${text}"; write ADDRESS or ADDRESS:PORT`);
  return `https://${host}:${isIP(text.trim()) === 6 ? 2379 : (m?.[2] ?? 2379)}`;
}

/** Users and roles as root, the rest as the operator. */
async function grant({ dir, file, servers }: Parts, by: string): Promise<void> {
  const { name: cluster, etcd } = file;
  const root = new Caller({
    endpoints: etcd.endpoints,
    dial: grpcDial(tlsOf(dir, 'root')),
    clock: monotonicMs,
    random: Math.random,
  });
  const session = new Session(file, by);
  try {
    const budgets = Object.values(BUDGETS);
    await grantAccess(root, [{ user: 'api', grants: apiRights({ cluster, budgets }) }]);
    const { roster } = await session.state();
    const all = new Set([...roster.keys(), ...servers.keys()]);
    const scope = { cluster, budgets, evidenceShards: Math.max(LEAST_SHARDS, Math.ceil(all.size / SHARD)) };
    await grantAccess(
      root,
      [...all].map((server) => ({ user: server, grants: serverRights(server, scope) })),
    );
    for (const txn of firstBudgets(await session.state())) await session.store.commit(txn);
    for (const [server, entry] of servers)
      await edit(session, (state) => (state.roster.has(server) ? undefined : putRoster(state, server, entry)));
  } finally {
    root.close();
    await session.close();
  }
}
