/** What answers of real servers say of how they get the address of the client. The whole: test/system/proxy-protocol.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { passthroughCommand } from '../../src/cli/passthrough.ts';
import type { ServiceReading } from '../../src/collect/dpvs/data.ts';
import { dpvsFindings } from '../../src/collect/dpvs/passthrough.ts';
import type { CheckProfile, Passthrough } from '../../src/model/plan.ts';
import { CAUSES, findingOf, FINDINGS, resultOf } from '../../src/passthrough/findings.ts';
import {
  type Answer,
  judgeCheck,
  judgeDataPlane,
  judgeEcho,
  judgeListener,
  judgeOption,
  judgeUnsent,
} from '../../src/passthrough/judge.ts';
import { eachOf } from '../../src/passthrough/turns.ts';
import { makePlan } from '../report/fake-view.ts';
import { jobsOf } from '../../src/passthrough/verify.ts';
import { judgeAnswer, judgeThrough } from '../../src/passthrough/through.ts';
import type { ClientAnswer, NoAnswer } from '../../src/sys/as-client.ts';

const V2: Passthrough = { mode: 'proxy-v2', through: ['direct'] };
const NONE: Passthrough = { mode: 'none', through: ['direct'] };
const check = (part: object) => ({ type: 'http', interval: 1000, timeout: 500, fall: 3, rise: 2, ...part }) as CheckProfile;

describe('passthrough', () => {
  it('P0: a check sends what the service declares', () => {
    const sends = check({ proxyProtocol: { version: 'v2', as: 'local' } });
    const causes = (passthrough: Passthrough) =>
      [sends, check({}), check({ type: 'tcp' })].map((c) => judgeCheck(passthrough, c).cause);
    assert.deepEqual(causes(V2), [undefined, 'check', undefined]);
    assert.deepEqual(causes(NONE), ['check', undefined, undefined]);
    assert.equal(judgeCheck(V2, check({ type: 'tcp', expect: 'x' })).cause, 'check');
    assert.match(judgeCheck(V2, check({})).found, /write proxyProtocol: v2/);
  });

  it('P0: DPVS writes what the service declares', () => {
    const cause = (mode: Passthrough['mode'], proxyProtocol: number) => judgeDataPlane({ mode }, proxyProtocol).cause;
    assert.deepEqual(
      [cause('proxy-v2', 2), cause('proxy-v1', 1), cause('toa', 0), cause('none', 0)],
      [undefined, undefined, undefined, undefined],
    );
    assert.deepEqual(
      [cause('proxy-v2', 1), cause('proxy-v2', 0), cause('toa', 2), cause('none', 0x11), cause('proxy-v2', 0x12)],
      ['data_plane', 'data_plane', 'data_plane', 'data_plane', 'insecure'],
    );
    const service = { vip: '10.0.0.1:80/tcp', proxyProtocol: 0x11 } as ServiceReading;
    const plan = makePlan(1, 1, 1);
    const declared = { ...plan.services[0]!, vip: service.vip, passthrough: V2 };
    assert.deepEqual(dpvsFindings({ services: [service] }, { services: [declared, plan.services[1]!] }), [
      {
        finding: 'DATA_PLANE_MISMATCH',
        service: 'web',
        realServer: '',
        found: 'P0: DPVS writes a PROXY header, v1, and proxy-v2 is declared',
      },
    ]);
    assert.deepEqual(dpvsFindings({ services: [{ ...service, proxyProtocol: 2 }] }, { services: [declared] }), []);
    assert.deepEqual(dpvsFindings({ services: [] }, { services: [declared] }), [], 'another data plane');
  });

  it('P1: a listener takes the header, and nothing without it', () => {
    const cause = (passthrough: Passthrough, bare: Answer, headed?: Answer) => judgeListener(passthrough, bare, headed).cause;
    assert.deepEqual(
      [
        cause(V2, 'closed', 'answered'),
        cause(V2, 'bad_request', 'answered'),
        cause(NONE, 'answered'),
        cause(NONE, 'bad_request'),
      ],
      [undefined, undefined, undefined, undefined],
    );
    assert.deepEqual(
      [cause(V2, 'answered', 'bad_request'), cause(V2, 'answered', 'answered'), cause(V2, 'closed', 'closed')],
      ['header_refused', 'open', 'header_closed'],
    );
    assert.equal(cause(NONE, 'closed'), 'header_expected');
    assert.deepEqual(
      [cause(V2, 'unreachable', 'unreachable'), cause(V2, 'closed', 'unreachable')],
      ['unreachable', 'unreachable'],
    );
    assert.match(judgeListener(V2, 'unreachable', 'unreachable').found, /does not answer at all/);
  });

  it('P2: only the address of the client will do', () => {
    assert.deepEqual(
      (['client', 'own', 'empty', 'other', 'refused', 'unreachable'] as const).map((echo) => judgeEcho(echo).cause),
      [undefined, 'load_balancer', 'empty', 'other', 'no_echo', 'unreachable'],
    );
  });

  it('P5: what the option led to; what can not be sent says nothing of the real server', () => {
    assert.deepEqual(
      (['client', 'own', 'empty', 'other', 'refused', 'unreachable'] as const).map((echo) => judgeOption(echo, 254).cause),
      [undefined, 'load_balancer', 'empty', 'other', 'no_echo', 'unreachable'],
    );
    assert.match(judgeOption('own', 200).found, /with option 200: the address is lost/);
    const unsent = judgeUnsent('needs CAP_BPF');
    assert.deepEqual([unsent.level, resultOf(unsent)], ['P5', 'unknown']);
    assert.equal(judgeOption('empty', 254).level, 'P5');
  });

  it('when the time is over, what is under way ends and nothing more begins', async () => {
    const begun: number[] = [];
    await eachOf(
      [1, 2, 3, 4, 5],
      2,
      async (one) => void begun.push(one),
      () => begun.length >= 3,
    );
    assert.deepEqual(begun, [1, 2, 3]);
  });

  it('each cause is a finding, or says that nothing could be seen', () => {
    for (const cause of CAUSES) {
      const finding = findingOf(cause);
      const isSeen = finding !== undefined && finding !== 'NOT_SENT';
      assert.equal(resultOf({ cause }), isSeen ? 'mismatch' : 'unknown');
      assert.ok(finding === undefined || finding in FINDINGS);
    }
    assert.equal(resultOf({}), 'ok');
  });

  it('needs a configuration', async () => {
    await assert.rejects(passthroughCommand([]), /name --config FILE/);
  });
});

describe('P3, through a VIP', () => {
  const isSnat = (address: string) => address.startsWith('10.0.0.') || address === 'fd64::7';
  const answer = (body: string, part: Partial<ClientAnswer> = {}): ClientAnswer => ({
    status: 200,
    body,
    localAddress: '192.0.2.9',
    localPort: 40_001,
    ...part,
  });
  const v6 = { localAddress: '2001:db8::9', localPort: 40_001 };
  const CASES: readonly (readonly [ClientAnswer | NoAnswer, string | undefined])[] = [
    [answer('192.0.2.9 40001'), undefined],
    [answer('client 192.0.2.9\n'), undefined],
    [answer('remote=192.0.2.9:40001 srv=10.9.9.9:80'), undefined],
    [answer('::ffff:192.0.2.9 40001'), undefined],
    [answer('[2001:DB8:0::9]:40001', v6), undefined],
    [answer('2001:db8::9 40001', v6), undefined],
    [answer('192.0.2.9 1025'), 'port'],
    [answer('[2001:db8::9]:1025', v6), 'port'],
    [answer('10.0.0.17 40001'), 'load_balancer'],
    [answer('fd64::7 40001', v6), 'load_balancer'],
    [answer('192.0.2.90 40001'), 'other'],
    [answer('1192.0.2.9'), 'empty'],
    [answer(''), 'empty'],
    [answer('192.0.2.9 40001', { status: 404 }), 'no_echo'],
    [{}, 'unreachable'],
    [{ handshake: 'CERT_HAS_EXPIRED' }, 'unreachable'],
  ];
  it('tells apart what an echo can show', () => {
    for (const [seen, cause] of CASES) assert.equal(judgeAnswer(seen, isSnat).cause, cause, JSON.stringify(seen));
  });

  it('one lost address of several connections is a finding; one lost answer is none while others show it', () => {
    const good = answer('192.0.2.9 40001');
    const lost = answer('10.0.0.17 1025');
    assert.equal(judgeThrough([good, good], isSnat).cause, undefined);
    const { cause, found } = judgeThrough([good, {}, lost, lost], isSnat);
    assert.equal(cause, 'load_balancer');
    assert.match(found, /real servers see 10\.0\.0\.17 .* \(2 of 4 connections\)/);
    assert.equal(judgeThrough([{}], isSnat).cause, 'unreachable');
    assert.match(judgeThrough([{ handshake: 'CERT_HAS_EXPIRED' }], isSnat).found, /^TLS with the VIP fails: CERT_HAS_EXPIRED/);
  });

  it('asks with the TLS and the names of a check that has them, also when it is not the first one', () => {
    const plan = makePlan(1, 1, 1);
    const [service] = plan.services;
    const [target] = plan.targets;
    const secure = check({ type: 'ssl', host: 'web.test' });
    const through = { mode: 'proxy-v2', echo: '/whoami', through: ['vip'] } as const;
    const realServers = [{ ...service!.realServers[0]!, target: 0, further: [1] }];
    const services = [{ ...service!, passthrough: through, realServers }];
    const asked = (checks: readonly CheckProfile[]) => {
      const [job] = jobsOf({ ...plan, services, targets: checks.map((one) => ({ ...target!, check: one })) });
      return job?.check;
    };
    assert.equal(asked([check({}), secure]), secure);
    assert.deepEqual(asked([check({ host: 'web.test' }), check({ type: 'tcp' })]), check({ host: 'web.test' }));
  });
});
