/**
 * The etcd of the cluster: whether it answers, whether its version keeps one server from writing what is another's, what our
 * certificate may do and until when.
 */
import type { EtcdLook, MemberLook } from '../../cluster/inspect.ts';
import type { Plan } from '../../model/plan.ts';
import type { Check, Finding } from '../check.ts';

/**
 * First versions, by series, in which users are kept to their rights: a put hidden in a nested transaction (CVE-2026-33343), a
 * watch of one key that shows all behind it (GHSA-xg4h-6gfc-h4m8), compaction and leases of others. 3.4 is no longer maintained.
 */
const SAFE: Readonly<Record<string, number>> = { '3.5': 33, '3.6': 14, '3.7': 1 };
const SAFE_TEXT = Object.entries(SAFE)
  .map(([series, patch]) => `${series}.${patch}`)
  .join(', ');
const WARN_DAYS = 14;
const DAY_MS = 86_400_000;
/** So many revisions without compaction are no accident. */
const MANY_REVISIONS = 50_000;

export const etcd: Check = {
  name: 'etcd',
  roles: ['load-balancer'],
  summary: 'the etcd of the cluster answers, is safe, and knows our certificate',
  async run({ host, config: { plan } }) {
    if (plan?.etcd === undefined) return [{ outcome: 'skipped', message: 'the configuration has no cluster.etcd' }];
    const look = await host.etcd(plan.etcd, plan.cluster);
    if (look.certificateError !== '') return [{ outcome: 'fail', subject: 'certificate', message: look.certificateError }];
    const members = look.members.flatMap(member);
    return [certificate(look, plan, host.now()), ...members, ...port(look), ...access(look), ...compaction(look)];
  },
};

function certificate({ user, notAfter }: EtcdLook, { server, etcd: settings }: Plan, now: number): Finding {
  const days = Math.floor((notAfter - now) / DAY_MS);
  const until = new Date(notAfter).toISOString().slice(0, 10);
  const about = { subject: 'certificate', message: `user ${user}, valid until ${until}` };
  const { cert } = settings!.tls;
  if (days < 0) return { ...about, outcome: 'fail', message: `${cert} expired on ${until}: etcd refuses it` };
  if (days < WARN_DAYS)
    return { ...about, outcome: 'warn', message: `${cert} expires in ${days} days; write a new one there, it is read by itself` };
  if (user !== server)
    return {
      ...about,
      outcome: 'warn',
      message: `${cert} is of the user ${user}, but this server is ${server}: it can't write its own keys`,
    };
  return { ...about, outcome: 'ok' };
}

function member({ endpoint: subject, error, version }: MemberLook): readonly Finding[] {
  if (error !== '') return [{ outcome: 'fail', subject, message: `does not answer: ${error}` }];
  if (version === undefined) {
    const message = `answers; its version is shown to root only: it must be at least ${SAFE_TEXT}`;
    return [{ outcome: 'warn', subject, message, fix: 'etcdctl endpoint status -w table   # with the certificate of root' }];
  }
  if (isSafe(version)) return [{ outcome: 'ok', subject, message: `etcd ${version}` }];
  const message = `etcd ${version}: a server can write what only others may (CVE-2026-33343); safe are ${SAFE_TEXT} and later`;
  return [{ outcome: 'fail', subject, message }];
}

function isSafe(version: string): boolean {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  if (patch === undefined) return false;
  const least = SAFE[`${major}.${minor}`];
  return least === undefined ? Number(major) > 3 || Number(minor) > 7 : Number(patch) >= least;
}

function port({ members }: EtcdLook): readonly Finding[] {
  const both = members.filter(({ http }) => http);
  if (both.length === 0) return [];
  const message = 'HTTP and gRPC share a port: watches wait behind large reads';
  const fix = '--listen-client-http-urls https://ADDRESS:2381   # a flag of each member, with the port of clients left to gRPC';
  return [{ outcome: 'warn', subject: 'port', message, fix }];
}

function access({ read, write, nestedWrite, user }: EtcdLook): readonly Finding[] {
  const subject = 'rights';
  if (typeof read === 'object') return [{ outcome: 'fail', subject, message: `can't be asked: ${read.error}` }];
  if (read === 'denied') {
    const message = `etcd lets ${user} read nothing of this cluster`;
    return [
      { outcome: 'fail', subject, message, fix: `etcdctl user grant-role ${user} ${user}   # with the certificate of root` },
    ];
  }
  if (write === 'allowed')
    return [{ outcome: 'warn', subject, message: `${user} may write target/, which moves every server: only the API should` }];
  if (nestedWrite === 'allowed')
    return [
      {
        outcome: 'fail',
        subject,
        message: `${user} may not write target/, but can in a transaction inside another one: upgrade etcd`,
      },
    ];
  return [{ outcome: 'ok', subject, message: `${user} reads the cluster, and can't move it` }];
}

function compaction({ revision, compacted }: EtcdLook): readonly Finding[] {
  if (revision < MANY_REVISIONS || compacted) return [];
  const message = `${revision} revisions, and none was ever compacted: the store fills, and then nothing can be written`;
  const fix = '--auto-compaction-mode periodic --auto-compaction-retention 10m   # flags of each member';
  return [{ outcome: 'warn', subject: 'compaction', message, fix }];
}
