/** What the doctor finds of an etcd: each thing that can be wrong with it, by what a look at it answers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EtcdLook } from '../../src/cluster/inspect.ts';
import { etcd } from '../../src/doctor/checks/etcd.ts';
import { lines, NOW, plan, run } from './fake-host.ts';

const DAY_MS = 86_400_000;
const tls = { ca: '/etc/fourlane/ca.pem', cert: '/etc/fourlane/lb-01.pem', key: '/etc/fourlane/lb-01.key' };
const settings = { endpoints: ['https://192.0.2.1:2379'], tls };
const config = plan({ nics: [{ name: 'eth2' }], server: 'lb-01', cluster: { name: 'edge-1', etcd: settings } });
const member = { endpoint: 'https://192.0.2.1:2379', error: '', version: '3.5.33', http: false };
const GOOD: EtcdLook = {
  certificateError: '',
  user: 'lb-01',
  notAfter: NOW + 90 * DAY_MS,
  members: [member],
  read: 'allowed',
  write: 'denied',
  nestedWrite: 'denied',
  revision: 1_000_000,
  compacted: true,
};
const CERTIFICATE = 'ok | certificate | user lb-01, valid until 2027-02-23';
const MEMBER = 'ok | https://192.0.2.1:2379 | etcd 3.5.33';
const RIGHTS = "ok | rights | lb-01 reads the cluster, and can't move it";

const found = async (more: Partial<EtcdLook>) => lines(await run(etcd, { etcd: { ...GOOD, ...more } }, { config }));

describe('etcd', () => {
  it('is looked at when the configuration has one', async () => {
    assert.deepEqual(lines(await run(etcd, {}, { config: plan({ nics: [{ name: 'eth2' }] }) })), [
      'skipped | the configuration has no cluster.etcd',
    ]);
    assert.deepEqual(await found({}), [CERTIFICATE, MEMBER, RIGHTS]);
  });

  it('must be of a version that keeps users to their rights', async () => {
    const outcome = async (version: string | undefined) =>
      (await found({ members: [{ ...member, version }] }))[1]!.split(' | ')[0];
    const versions = ['3.4.45', '3.5.16', '3.5.32', '3.6.13', '3.7.0', '3.5.33', '3.6.14', '3.7.1', '3.8.0', '4.0.0', 'x'];
    assert.deepEqual(await Promise.all(versions.map(outcome)), [...Array(5).fill('fail'), ...Array(5).fill('ok'), 'fail']);
    assert.equal(await outcome(undefined), 'warn');
  });

  it('must answer, on a port of its own', async () => {
    const [, down] = await found({ members: [{ ...member, error: 'connect ECONNREFUSED', version: undefined }] });
    assert.equal(down, 'fail | https://192.0.2.1:2379 | does not answer: connect ECONNREFUSED');
    const [, , shared] = await found({ members: [{ ...member, http: true }] });
    assert.equal(shared, 'warn | port | HTTP and gRPC share a port: watches wait behind large reads');
  });

  it('must know our certificate, which is that of this server and valid', async () => {
    assert.deepEqual(await found({ certificateError: '/etc/fourlane/lb-01.key does not exist' }), [
      'fail | certificate | /etc/fourlane/lb-01.key does not exist',
    ]);
    const first = async (more: Partial<EtcdLook>) => (await found(more))[0];
    assert.equal(
      await first({ notAfter: NOW - DAY_MS }),
      'fail | certificate | /etc/fourlane/lb-01.pem expired on 2026-11-24: etcd refuses it',
    );
    assert.match((await first({ notAfter: NOW + 3 * DAY_MS }))!, /^warn .* expires in 3 days; write a new one there/);
    assert.match((await first({ user: 'lb-02' }))!, /^warn .* is of the user lb-02, but this server is lb-01/);
  });

  it('must let us read, and not move other servers, not even by a transaction in a transaction', async () => {
    const last = async (more: Partial<EtcdLook>) => (await found(more)).at(-1)!;
    assert.match(await last({ read: 'denied' }), /^fail \| rights \| etcd lets lb-01 read nothing/);
    assert.match(await last({ read: { error: 'no leader' } }), /^fail \| rights \| can't be asked: no leader/);
    assert.match(await last({ write: 'allowed' }), /^warn \| rights \| lb-01 may write target\//);
    assert.match(
      await last({ nestedWrite: 'allowed' }),
      /^fail \| rights \| .* in a transaction inside another one: upgrade etcd/,
    );
  });

  it('must be compacted by somebody', async () => {
    assert.match((await found({ compacted: false })).at(-1)!, /^warn \| compaction \| 1000000 revisions, and none/);
    assert.equal((await found({ compacted: false, revision: 900 })).at(-1), RIGHTS);
  });
});
