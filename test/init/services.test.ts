import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compare, type FoundService, merge, withoutZeroPort } from '../../src/init/services.ts';

const service = (vip: string, realServers: readonly string[], more: Partial<FoundService> = {}): FoundService => ({
  vip,
  origin: 'A',
  actuator: '',
  realServers: realServers.map((address) => ({ address, weight: 1, origin: more.origin ?? 'A' })),
  ...more,
});

const NONE: ReadonlySet<string> = new Set();

describe('services of several sources', () => {
  it('the first source decides; real servers that only a later one has are added', () => {
    const first = service('10.0.0.1:80/tcp', ['10.1.0.1:80', '10.1.0.2:80'], { origin: 'A', remarks: ['own'] });
    const second = service('10.0.0.1:80/tcp', ['10.1.0.3:80', '10.1.0.2:80'], { origin: 'B', localDevices: ['dpdk1'] });
    const { services, leftOut } = merge([first, second], NONE);
    assert.deepEqual(leftOut, []);
    assert.equal(services.length, 1);
    const [one] = services;
    assert.deepEqual([one!.origin, one!.remarks, one!.localDevices], ['A', ['own', 'also in B'], ['dpdk1']]);
    assert.deepEqual(
      one!.realServers.map(({ address, origin }) => `${address} ${origin}`),
      ['10.1.0.1:80 A', '10.1.0.2:80 A', '10.1.0.3:80 B'],
    );
  });

  it('sorted by address: numbers as numbers, IPv6 after IPv4, firewall marks last', () => {
    const vips = [
      'fwmark:12',
      '[fd00::1]:80/tcp',
      '10.0.0.9:80/tcp',
      'fwmark:7',
      '10.0.0.10:80/tcp',
      '10.0.0.9:443/tcp',
      '10.0.0.9:80/udp',
    ];
    assert.deepEqual(vips.toSorted(compare), [
      '10.0.0.9:80/tcp',
      '10.0.0.9:80/udp',
      '10.0.0.9:443/tcp',
      '10.0.0.10:80/tcp',
      '[fd00::1]:80/tcp',
      'fwmark:7',
      'fwmark:12',
    ]);
  });

  it('what the file has no place for is left out, with the reason', () => {
    const { services, leftOut } = merge(
      [
        service('10.0.0.1:80/sctp', ['10.1.0.1:80']),
        service('10.0.0.1:0/tcp', ['10.1.0.1']),
        service('10.0.0.1:80/tcp', []),
        service('fwmark:7', ['10.1.0.1']),
      ],
      NONE,
    );
    assert.deepEqual(
      services.map(({ vip }) => vip),
      ['fwmark:7'],
    );
    assert.deepEqual(
      leftOut.map(({ text }) => text),
      [
        '10.0.0.1:80/sctp: fourlane has services over TCP and UDP, and firewall marks',
        '10.0.0.1:0/tcp: it is for every port: fourlane has services with one port',
        '10.0.0.1:80/tcp: it has no real servers',
      ],
    );
  });

  it('a real server that is this machine is left out', () => {
    const { services, leftOut } = merge(
      [service('10.0.0.1:80/tcp', ['10.0.0.1:80', '127.0.0.1:80', '10.1.0.1:80'])],
      new Set(['10.0.0.1']),
    );
    assert.deepEqual(
      services[0]!.realServers.map(({ address }) => address),
      ['10.1.0.1:80'],
    );
    assert.deepEqual(
      leftOut.map(({ text }) => text),
      ['10.0.0.1:80', '127.0.0.1:80'].map((address) => `${address} of 10.0.0.1:80/tcp: it is this machine: no NIC leads there`),
    );
  });

  it('a weight above what the file takes is its most, and said', () => {
    const heavy = { ...service('10.0.0.1:80/tcp', []), realServers: [{ address: '10.1.0.1:80', weight: 70_000, origin: 'A' }] };
    const [rs] = merge([heavy], NONE).services[0]!.realServers;
    assert.deepEqual([rs!.weight, rs!.remark], [65_535, 'its weight 70000 is more than fourlane takes']);
  });

  it('port 0 of a table is none', () => {
    assert.deepEqual(['10.0.0.1:0', '[fd00::1]:0', '10.0.0.1:80'].map(withoutZeroPort), ['10.0.0.1', 'fd00::1', '10.0.0.1:80']);
  });
});
