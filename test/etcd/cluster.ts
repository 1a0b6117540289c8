/**
 * A real etcd of three members with certificates and users of its own. It runs inside the network of a system test
 * (`test/run/isolation.ts`), which ends with it.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import type { EtcdTls } from '../../src/model/plan.ts';
import { BUDGETS } from '../../src/cluster/budget/asks.ts';
import { serverRights } from '../../src/cluster/roles.ts';
import { type Access, grantAccess } from '../../src/cluster/setup/access.ts';
import { certificateFiles, makeCertificates, type Wanted } from '../../src/cluster/setup/certificates.ts';
import { Caller } from '../../src/cluster/transport/caller.ts';
import { grpcDial } from '../../src/cluster/transport/grpc.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { EtcdMembers } from '../../src/lab/etcd.ts';
import { run } from '../../src/lab/netns.ts';
import { endWithUs } from '../run/end-with-us.ts';

export const CLUSTER = 'edge-1';
export const PREFIX = `/fourlane/${CLUSTER}/`;
const MEMBERS = [1, 2, 3] as const;
const DAYS = 2;
const SCOPE = { cluster: CLUSTER, budgets: Object.values(BUDGETS), evidenceShards: 2 };
const USERS: readonly Access[] = [
  { user: 'api', grants: [{ permission: 'readwrite', key: PREFIX, prefix: true }] },
  ...['lb-01', 'lb-02', 'lb-03'].map((user) => ({ user, grants: serverRights(user, SCOPE) })),
];
const NAMES = ['root', 'stranger', ...USERS.map(({ user }) => user)];

export interface EtcdOptions {
  /** Where members and certificates are; made, and removed in the end. */
  readonly dir: string;
  /** More flags of etcd. */
  readonly flags?: readonly string[];
  /** Its members run when nobody else wants a CPU: in what is measured they stand for other machines. */
  readonly aside?: boolean;
}

/** Put before a command that stands for what other machines do. */
export const ASIDE = ['chrt', '--idle', '0'];

export const addressOf = (n: number) => `10.99.0.${n}`;
const space = (n: number) => `etcd${n}`;

/** Paths of a user's certificate below the directory of a cluster. */
function tlsOf(dir: string, user: string): EtcdTls {
  return { ca: `${dir}/certificates/ca.pem`, ...certificateFiles(`${dir}/certificates`, user) };
}

export class EtcdCluster extends EtcdMembers {
  readonly #dir: string;

  private constructor({ dir, flags = [], aside = false }: EtcdOptions) {
    super({
      dir,
      flags,
      token: CLUSTER,
      addresses: MEMBERS.map(addressOf),
      space,
      spawn: (n, argv) => {
        const [command, ...more] = [...(aside ? ASIDE : []), 'ip', 'netns', 'exec', space(n), ...argv];
        return endWithUs(spawn(command!, more, { stdio: ['ignore', 'pipe', 'pipe'] }));
      },
      reach: [],
      tls: tlsOf(dir, 'server'),
      root: tlsOf(dir, 'root'),
    });
    this.#dir = dir;
  }

  static async start(options: EtcdOptions): Promise<EtcdCluster> {
    ensure(['etcd-server', 'etcd-client', 'openssl', 'nftables', 'iproute2']);
    const cluster = new EtcdCluster(options);
    mkdirSync(options.dir, { recursive: true });
    const serves = [...MEMBERS.map(addressOf), '127.0.0.1', 'localhost'];
    const users = NAMES.map((name): Wanted => ({ name, days: DAYS }));
    await makeCertificates(cluster.certificates, [{ name: 'server', serves, days: DAYS }, ...users]);
    network();
    for (const n of MEMBERS) cluster.boot(n);
    await cluster.healthy();
    const root = cluster.caller('root');
    await grantAccess(root, USERS);
    root.close();
    return cluster;
  }

  get certificates(): string {
    return `${this.#dir}/certificates`;
  }

  /** Paths of a user's certificate. */
  tls(user: string): EtcdTls {
    return tlsOf(this.#dir, user);
  }

  caller(user: string, endpoints: readonly string[] = this.endpoints): Caller {
    return new Caller({ endpoints, dial: grpcDial(this.tls(user)), clock: () => performance.now(), random: Math.random });
  }

  async stop(): Promise<void> {
    for (const n of MEMBERS) await this.kill(n);
    for (const n of MEMBERS) run(['ip', 'netns', 'del', space(n)]);
    run(['ip', 'link', 'del', 'etcdbr']);
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

function network(): void {
  run(['ip', 'link', 'add', 'etcdbr', 'type', 'bridge']);
  run(['ip', 'address', 'add', '10.99.0.254/24', 'dev', 'etcdbr']);
  run(['ip', 'link', 'set', 'etcdbr', 'up']);
  for (const n of MEMBERS) {
    run(['ip', 'netns', 'add', space(n)]);
    run(['ip', 'link', 'add', `etcdv${n}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space(n)]);
    run(['ip', 'link', 'set', `etcdv${n}`, 'master', 'etcdbr', 'up']);
    run(['ip', '-n', space(n), 'address', 'add', `${addressOf(n)}/24`, 'dev', 'eth0']);
    for (const device of ['eth0', 'lo']) run(['ip', '-n', space(n), 'link', 'set', device, 'up']);
  }
}
