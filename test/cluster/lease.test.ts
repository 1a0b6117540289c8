/** The lease as it is carried out: by calls with deadlines, another member after a failure, and what is shown. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Lease, type LeaseState } from '../../src/cluster/lease/lease.ts';
import { Caller } from '../../src/cluster/transport/caller.ts';
import { CODES, type Link, RpcError } from '../../src/cluster/transport/link.ts';
import { encode } from '../../src/cluster/wire/encode.ts';
import { type Method, METHODS } from '../../src/cluster/wire/methods.ts';
import { until } from '../../src/lab/until.ts';

const header = encode({ 3: 100 });

function begin(ttl = 0.15) {
  const asked: string[] = [];
  const refusals: Error[] = [];
  const states: LeaseState[] = [];
  let [leases, left] = [0, ttl];
  const answer = async (method: Method): Promise<Buffer> => {
    asked.push(method.split('/')[2]!);
    const refusal = refusals.shift();
    if (refusal !== undefined) throw refusal;
    if (method === METHODS.leaseGrant) return encode({ 1: header, 2: ++leases, 3: 1 });
    return method === METHODS.leaseKeepAlive
      ? encode({ 1: header, 2: leases, 3: Math.ceil(left) })
      : encode({ 1: header, 2: true });
  };
  const dial = (endpoint: string): Promise<Link> =>
    Promise.resolve({
      endpoint,
      call: answer,
      first: answer,
      outdated: async () => false,
      close: () => undefined,
      stream: () => assert.fail('no stream'),
    });
  const caller = new Caller({ endpoints: ['a', 'b'], dial, clock: () => performance.now(), random: () => 0 });
  const lease = new Lease({ caller, ttl, clock: () => performance.now(), changed: (state) => void states.push(state) });
  const running = lease.run();
  const stop = async (options?: { revoke: boolean }) => {
    await lease.stop(options);
    await running;
  };
  return { lease, asked, refusals, states, stop, vanish: () => (left = 0) };
}

describe('a lease', () => {
  it('is granted, has its keys put, is renewed, and revoked at the end if that is wanted', async () => {
    const { lease, asked, states, stop } = begin();
    lease.set('member/lb-01', Buffer.from('here'));
    await until('two renewals', 2000, () => asked.filter((name) => name === 'LeaseKeepAlive').length === 2);
    assert.deepEqual(asked.slice(0, 3), ['LeaseGrant', 'Txn', 'LeaseKeepAlive']);
    assert.deepEqual(states.at(-1), { held: true, error: '', lost: 0, contested: [] });
    await stop({ revoke: true });
    assert.equal(asked.at(-1), 'LeaseRevoke');
  });

  it('that is gone is replaced, and every key put again', async () => {
    const { lease, asked, states, stop, vanish } = begin();
    lease.set('member/lb-01', Buffer.from('here'));
    await until('held', 2000, () => states.at(-1)?.held);
    vanish();
    await until('again', 2000, () => asked.filter((name) => name === 'Txn').length > 1);
    assert.ok(states.some(({ lost }) => lost >= 1) || asked.filter((name) => name === 'LeaseGrant').length > 1);
    await stop();
    assert.ok(!asked.includes('LeaseRevoke'), 'left to end by itself');
  });

  it('shows why its keys are not there, and tries again', async () => {
    const { lease, asked, states, refusals, stop } = begin();
    refusals.push(new RpcError(CODES.unavailable, 'etcdserver: no leader'), new RpcError(CODES.unavailable, 'down'));
    lease.set('member/lb-01', Buffer.from('here'));
    await until('held', 3000, () => states.at(-1)?.held);
    assert.deepEqual(
      states.map(({ error }) => error),
      ['', 'no lease: etcdserver: no leader', 'no lease: down', ''],
    );
    refusals.push(new RpcError(CODES.notFound, 'etcdserver: requested lease not found'));
    await until('a new lease', 2000, () => asked.filter((name) => name === 'LeaseGrant').length === 4);
    await stop();
  });
});
