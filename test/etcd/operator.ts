/** An operator at a cluster: the commands as they are typed, and a real etcd that `init` has made. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cluster } from '../../src/cli/cluster/cluster.ts';
import { certificateFiles } from '../../src/cluster/setup/certificates.ts';
import type { EtcdTls } from '../../src/model/plan.ts';
import { printed } from '../cli/printed.ts';
import { addressOf, EtcdCluster } from './cluster.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface OperatorOptions {
  /** Certificates and files are below it. */
  readonly dir: string;
  readonly name: string;
  /** Places of the servers, such as `ring=canary,rack=r1`. */
  readonly servers: Readonly<Record<string, string>>;
}

export class Operator {
  readonly certificates: string;
  readonly initArgs: readonly string[];
  readonly #dir: string;
  #files = 0;

  constructor({ dir, name, servers }: OperatorOptions) {
    this.#dir = dir;
    this.certificates = join(dir, 'etcd', 'certificates');
    const places = Object.entries(servers).flatMap(([server, place]) => ['--server', `${server}:${place}`]);
    const members = [1, 2, 3].map(addressOf).join();
    this.initArgs = ['init', '--name', name, '--etcd', members, ...places, '--dir', this.certificates];
  }

  /** What `init` says before there is an etcd, the etcd that it describes, and what it says then. */
  async init(): Promise<{ readonly first: Ran; readonly etcd: EtcdCluster; readonly second: Ran }> {
    const first = await this.run(...this.initArgs);
    assert.equal(first.code, 6, first.out);
    const etcd = await EtcdCluster.start({ dir: join(this.#dir, 'etcd') });
    const second = await this.run(...this.initArgs);
    assert.equal(second.code, 0, second.out + second.err);
    return { first, etcd, second };
  }

  get clusterFile(): string {
    return join(this.certificates, 'cluster.yaml');
  }

  /** Paths of the certificate that `init` made for a server. */
  tls(server: string): EtcdTls {
    return { ca: join(this.certificates, 'ca.pem'), ...certificateFiles(this.certificates, server) };
  }

  /** `fourlane cluster …`. */
  async run(...argv: string[]): Promise<Ran> {
    const where = argv[0] === 'init' ? [] : ['--cluster', this.clusterFile];
    const { status: code, out, err } = await printed(cluster, [...argv, ...where, '--by', 'ada@ops']);
    return { code, out, err };
  }

  async expect(code: number, ...argv: string[]): Promise<Ran> {
    const ran = await this.run(...argv);
    assert.equal(ran.code, code, `fourlane cluster ${argv.join(' ')}: ${ran.code}\n${ran.out}\n${ran.err}`);
    return ran;
  }

  async json(...argv: string[]) {
    return JSON.parse((await this.run(...argv, '--json')).out);
  }

  /** A file with this text; @returns its path. */
  file(text: string): string {
    const path = join(this.#dir, `services-${++this.#files}.yaml`);
    writeFileSync(path, text);
    return path;
  }
}
