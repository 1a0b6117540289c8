import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { dpvs as collector } from '../../src/collect/dpvs.ts';
import { readOnce } from '../../src/collect/once.ts';
import { sources } from '../../src/init/index.ts';
import { lookAround } from '../../src/init/look.ts';
import type { Source } from '../../src/init/source.ts';
import { dpvs } from '../../src/init/sources/dpvs.ts';
import { etcd } from '../../src/init/sources/etcd.ts';
import { ipvs } from '../../src/init/sources/ipvs.ts';
import { prometheus } from '../../src/init/sources/prometheus.ts';
import { FakeDpvs, ONE_HOST, replay } from '../collect/dpvs-fake.ts';
import type { Machine } from '../doctor/fake-host.ts';
import { fixture, looking } from './machine.ts';

const look = (source: Source, machine: Machine = {}, env: Record<string, string> = {}) => source.look(looking(machine, {}, env));

describe('the list of sources', () => {
  it('a name that is unique, a summary, a file each', () => {
    assert.equal(new Set(sources.map(({ name }) => name)).size, sources.length);
    for (const { name, summary } of sources) {
      assert.notEqual(summary, '');
      assert.ok(existsSync(join(import.meta.dirname, `../../src/init/sources/${name}.ts`)), name);
    }
  });

  it('one that throws has failed, and the others are heard', async () => {
    const bad: Source = { name: 'bad', summary: '', look: () => Promise.reject(new Error('no such thing')) };
    const { looks } = await lookAround([bad, prometheus], looking());
    assert.deepEqual(
      looks.map(({ source, outcome, text }) => [source, outcome, text]),
      [
        ['bad', 'failed', 'no such thing'],
        ['prometheus', 'absent', 'nothing answers at http://127.0.0.1:9090'],
      ],
    );
  });
});

describe('ipvs', () => {
  it('services, weights and forwarding of a recorded table', async () => {
    const { outcome, text, facts } = await look(ipvs, { files: { '/proc/net/ip_vs': fixture('ipvs/proc_ip_vs.txt') } });
    assert.deepEqual([outcome, text], ['found', '/proc/net/ip_vs: 7 services']);
    const web = facts!.services!.find(({ vip }) => vip === '192.0.2.10:80/tcp')!;
    assert.deepEqual(web.remarks, ['scheduler rr']);
    assert.deepEqual(
      web.realServers.map(({ address, weight, origin }) => `${address} ${weight} ${origin}`),
      ['10.0.1.2:80 1 IPVS (Masq)', '10.0.2.2:80 3 IPVS (Masq)'],
    );
    assert.ok(facts!.services!.some(({ vip }) => vip === 'fwmark:100'));
  });

  it('no module, an empty table, a drained real server, something else', async () => {
    assert.deepEqual((await look(ipvs)).outcome, 'absent');
    const head = fixture('ipvs/proc_ip_vs.txt').split('\n').slice(0, 3).join('\n');
    assert.equal((await look(ipvs, { files: { '/proc/net/ip_vs': `${head}\n` } })).outcome, 'absent');
    const drained = `${head}\nTCP  0A000001:0050 rr \n  -> 0A010001:0050      Route   0      0          0         \n`;
    const [rs] = (await look(ipvs, { files: { '/proc/net/ip_vs': drained } })).facts!.services![0]!.realServers;
    assert.match(rs!.remark!, /^weight 0: .* write the weight it normally has$/);
    await assert.rejects(look(ipvs, { files: { '/proc/net/ip_vs': 'nonsense' } }), /IP Virtual Server version/);
  });
});

describe('dpvs', () => {
  const cleanups: (() => unknown)[] = [];
  after(async () => {
    for (const one of cleanups) await one();
  });

  it('services, real servers, ports and local addresses from recorded bytes', async () => {
    const server = await new FakeDpvs(replay(ONE_HOST)).listen();
    cleanups.push(() => server.close());
    const collect = (_: string, settings: unknown) => readOnce(collector, settings, {}, () => undefined);
    const { outcome, text, facts } = await dpvs.look(looking({}, { collect }, { DPVS_IPC_FILE: server.path }));
    assert.equal(text, `${server.path}: dpvs:v1.10-2, 5 services, 2 ports`);
    assert.equal(outcome, 'found');
    const web = facts!.services!.find(({ vip }) => vip === '10.71.0.100:80/tcp')!;
    assert.deepEqual(
      web.realServers.map(({ address, weight, remark = '' }) => `${address} ${weight} ${remark}`.trim()),
      ['10.72.0.11:80 100', '10.72.0.12:80 100', '10.72.0.13:80 0 weight 0: write the weight it normally has'],
    );
    assert.deepEqual(web.localDevices, ['dpdk1']);
    assert.deepEqual(
      facts!.leftOut!.map(({ text: left }) => left.split(': ')[0]),
      ['match:tcp,from=10.72.0.11-10.72.0.13:0-0,oif=dpdk0'],
    );
    assert.deepEqual(facts!.collectors, { dpvs: { socket: server.path } });
    assert.deepEqual(facts!.ports!.gateways, []);
  });

  it('not here, not readable; its socket is where its process was told', async () => {
    const absent = { state: 'absent', reason: 'x' } as const;
    assert.equal((await look(dpvs, { readings: { dpvs: absent } })).text, 'there is no control socket /var/run/dpvs.ipc');
    const started = { processes: { dpvs: [42] }, files: { '/proc/42/cmdline': 'dpvs\0-x\0/run/other.ipc\0--\0' } };
    assert.match((await look(dpvs, { ...started, readings: { dpvs: absent } })).text, /\/run\/other\.ipc$/);
    const failed = { state: 'failed', reason: 'permission denied' } as const;
    assert.deepEqual(await look(dpvs, { readings: { dpvs: failed } }), { outcome: 'failed', text: 'permission denied' });
  });
});

describe('etcd', () => {
  const answers = (endpoint: string) => ({ [`${endpoint}/version`]: 200 });

  it('where its tool is told, where it was told to listen, where it listens by itself', async () => {
    const env = { ETCDCTL_ENDPOINTS: 'http://10.0.0.5:2379, http://10.0.0.6:2379/' };
    assert.equal((await look(etcd, { gets: answers('http://10.0.0.6:2379') }, env)).text, 'http://10.0.0.6:2379 answers');
    const files = { '/etc/default/etcd': 'ETCD_NAME=a\nETCD_LISTEN_CLIENT_URLS="http://0.0.0.0:3379"\n' };
    assert.equal((await look(etcd, { files, gets: answers('http://127.0.0.1:3379') })).text, 'http://127.0.0.1:3379 answers');
    const running = {
      processes: { etcd: [7] },
      files: { '/proc/7/cmdline': 'etcd\0--listen-client-urls\0http://127.0.0.1:4379\0' },
    };
    assert.equal(
      (await look(etcd, { ...running, gets: answers('http://127.0.0.1:4379') })).text,
      'http://127.0.0.1:4379 answers',
    );
    assert.equal((await look(etcd, { gets: answers('http://127.0.0.1:2379') })).outcome, 'found');
  });

  it('with certificates it is named, not asked; without any: absent, with what was asked', async () => {
    const secure = await look(etcd, {}, { ETCDCTL_ENDPOINTS: 'https://10.0.0.5:2379' });
    assert.match(secure.text, /^https:\/\/10\.0\.0\.5:2379 is configured, and not asked/);
    assert.deepEqual(await look(etcd), { outcome: 'absent', text: 'nothing answers at http://127.0.0.1:2379' });
  });

  it('an endpoint with a password is not taken', async () => {
    assert.doesNotMatch((await look(etcd, {}, { ETCDCTL_ENDPOINTS: 'http://u:secret@10.0.0.5:2379' })).text, /secret/);
  });
});

describe('prometheus', () => {
  it('when it answers, what to add to its file is at the end of ours', async () => {
    const { outcome, facts } = await look(prometheus, { gets: { 'http://127.0.0.1:9090/-/healthy': 200 } });
    assert.equal(outcome, 'found');
    assert.ok(facts!.remarks![0]!.some((line) => line.includes('127.0.0.1:9844')));
  });
});
