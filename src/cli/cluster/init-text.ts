/** What `fourlane cluster init` tells to do on the machines. */
import { join } from 'node:path';
import { indent } from '../output.ts';
import type { ClusterFile } from './session.ts';

const PEER_PORT = 2380;
/** Where the files are on other machines. */
const THERE = '/etc/fourlane';

/** How to start the members of etcd. */
export function etcdText({ name, etcd }: ClusterFile, dir: string): string {
  const members = etcd.endpoints.map((client, i) => {
    const { hostname } = new URL(client);
    return { name: `etcd-${i + 1}`, client, peer: `https://${hostname}:${PEER_PORT}` };
  });
  const initial = members.map((member) => `${member.name}=${member.peer}`).join(',');
  const [ca, cert, key] = ['ca.pem', 'etcd.pem', 'etcd.key'].map((file) => join(THERE, file));
  const starts = members.map(({ name: member, client, peer }) =>
    [
      `etcd --name ${member} --data-dir /var/lib/etcd`,
      `--listen-client-urls ${client} --advertise-client-urls ${client}`,
      `--listen-peer-urls ${peer} --initial-advertise-peer-urls ${peer}`,
      `--initial-cluster ${initial}`,
      `--initial-cluster-token ${name}`,
      `--cert-file ${cert} --key-file ${key} --trusted-ca-file ${ca} --client-cert-auth`,
      `--peer-cert-file ${cert} --peer-key-file ${key} --peer-trusted-ca-file ${ca} --peer-client-cert-auth`,
      `--auto-compaction-mode periodic --auto-compaction-retention 10m`,
    ].join(' \\\n    '),
  );
  return [
    `If etcd does not run yet: copy ca.pem, etcd.pem and etcd.key from ${dir} to ${THERE} of each member, and start`,
    ...starts.map((text, i) => `\non ${new URL(etcd.endpoints[i]!).hostname}:\n${indent(text)}`),
    '\nThen run this command again.\n',
  ].join('\n');
}

/** What each server needs. */
export function serverText({ name, etcd }: ClusterFile, dir: string, servers: readonly string[]): string {
  const config = [
    'cluster:',
    `  name: ${name}`,
    '  etcd:',
    `    endpoints: [${etcd.endpoints.map((endpoint) => JSON.stringify(endpoint)).join(', ')}]`,
    `    tls: {ca: ${THERE}/ca.pem, cert: ${THERE}/SERVER.pem, key: ${THERE}/SERVER.key}`,
  ].join('\n');
  return [
    `On each server (${servers.join(', ')}), SERVER being its name:`,
    `  copy ca.pem, SERVER.pem and SERVER.key from ${dir} to ${THERE}; in its fourlane.yaml write`,
    indent(indent(`server: SERVER\n${config}`)),
    '  and take services, checks and rules out of it: the cluster has them from now on.',
    `Keep ca.key and root.key where nobody else reads them. For the other commands of fourlane cluster:`,
    `  export FOURLANE_CLUSTER=${join(dir, 'cluster.yaml')}\n`,
  ].join('\n');
}
