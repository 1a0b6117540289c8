import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policyRoutes } from '../../src/doctor/checks/policy-routes.ts';
import { rpFilter } from '../../src/doctor/checks/rp-filter.ts';
import { lines, plan, run } from './fake-host.ts';

const RS = '10.99.0.1';
/** What iproute2 6.1 printed for a veth with 10.1.0.1/24, shortened to the keys read. */
const address = (ifname: string, local: string) => ({
  ifname,
  flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  addr_info: [{ family: 'inet', local, prefixlen: 24, scope: 'global', label: ifname }, {}],
});
const by = (dev: string, gateway?: string) =>
  JSON.stringify([{ dst: 'default', dev, flags: [], ...(gateway === undefined ? {} : { gateway }) }]);

/** Two NICs; everything that nothing binds leaves by eth2; `bound`: whether a table has a route by eth3. */
const commands = ({ bound = true, unbound = 'eth2', rules = '[]' } = {}) => ({
  'ip -j address show': JSON.stringify([address('eth2', '10.1.0.1'), address('eth3', '10.2.0.1')]),
  [`ip -j -4 route get fibmatch ${RS} oif eth2`]: by('eth2', '10.1.0.254'),
  [`ip -j -4 route get ${RS} from 10.1.0.1`]: by('eth2'),
  [`ip -j -4 route get fibmatch ${RS} oif eth3`]: bound ? by('eth3', '10.2.0.254') : 2,
  [`ip -j -4 route get ${RS} from 10.2.0.1`]: unbound === '' ? 2 : by(unbound),
  'ip -j -4 route show dev eth3': JSON.stringify([{ dst: '10.2.0.0/24', protocol: 'kernel', prefsrc: '10.2.0.1', flags: [] }]),
  'ip -j -4 rule show': rules,
});
const config = plan({
  nics: [{ name: 'eth2' }, { name: 'up3', device: 'eth3', anchors: ['10.2.0.254'] }],
  services: [{ vip: '10.0.0.1:80/tcp', realServers: [`${RS}:80`] }],
});

describe('policy_routes', () => {
  it('a route of its own and a rule: ok', async () => {
    assert.deepEqual(lines(await run(policyRoutes, { commands: commands({ unbound: 'eth3' }) }, { config })), [
      'ok | eth2 IPv4 | routes by eth2, from 10.1.0.1 too; 1 of 1 real servers looked up',
      'ok | up3 IPv4 | routes by eth3, from 10.2.0.1 too; 1 of 1 real servers looked up',
    ]);
  });

  it('no route: fails, and the remedy is the whole table with its rules', async () => {
    const [, finding] = await run(policyRoutes, { commands: commands({ bound: false }) }, { config });
    assert.match(finding!.message, /^no route to 10\.99\.0\.1 by eth3/);
    assert.deepEqual(finding!.fix!.split(' && '), [
      'ip -4 route replace 10.2.0.0/24 dev eth3 src 10.2.0.1 table 1002',
      'ip -4 route replace default via 10.2.0.254 dev eth3 table 1002',
      'ip -4 route replace unreachable default metric 9999 table 1002',
      'ip -4 rule add from 10.2.0.1 lookup 1002 priority 1002',
      'ip -4 rule add oif eth3 lookup 1002 priority 1002',
    ]);
  });

  it('a rule that is there already is used', async () => {
    const rules = JSON.stringify([
      { priority: 7, src: '10.2.0.1', table: '77' },
      { priority: 7, src: 'all', oif: 'eth3', table: '77' },
    ]);
    const [, finding] = await run(policyRoutes, { commands: commands({ bound: false, rules }) }, { config });
    assert.match(finding!.fix!, /table 77$/);
    assert.doesNotMatch(finding!.fix!, /rule add/);
  });

  it('bound probes pass, but the address alone does not choose the NIC: a warning', async () => {
    const [, finding] = await run(policyRoutes, { commands: commands() }, { config });
    assert.deepEqual(
      [finding!.outcome, finding!.message],
      ['warn', 'packets from 10.2.0.1 to 10.99.0.1 leave by eth2 unless bound to eth3'],
    );
  });

  it('a NIC without address; no real servers; no configuration', async () => {
    const none = { ...commands(), 'ip -j address show': JSON.stringify([address('eth2', '10.1.0.1')]) };
    const [, gone] = await run(policyRoutes, { commands: none }, { config });
    assert.deepEqual([gone!.outcome, gone!.message], ['fail', 'there is no device eth3']);
    const files = { '/sys/class/net/eth3/ifindex': '3\n' };
    const [, finding] = await run(policyRoutes, { files, commands: none }, { config });
    assert.deepEqual([finding!.outcome, finding!.fix], ['fail', 'ip address add ADDRESS/PREFIX dev eth3']);
    const empty = plan({ nics: [{ name: 'eth2' }] });
    assert.deepEqual(lines(await run(policyRoutes, { commands: commands() }, { config: empty })), [
      'skipped | there are no real servers',
    ]);
    assert.match(lines(await run(policyRoutes, {}))[0]!, /^skipped/);
  });

  it('looks up few of many real servers: first, last and between', async () => {
    const realServers = Array.from({ length: 100 }, (_, i) => `10.99.0.${i + 1}:80`);
    const one = plan({ nics: [{ name: 'eth2' }], services: [{ vip: '10.0.0.1:80/tcp', realServers }] });
    const asked = [1, 34, 67, 100].map((i) => `10.99.0.${i}`);
    const answers = Object.fromEntries(
      asked.flatMap((to) => [
        [`ip -j -4 route get fibmatch ${to} oif eth2`, by('eth2')],
        [`ip -j -4 route get ${to} from 10.1.0.1`, by('eth2')],
      ]),
    );
    assert.match(
      lines(await run(policyRoutes, { commands: { ...commands(), ...answers } }, { config: one }))[0]!,
      /^ok .*4 of 100 real servers/,
    );
  });
});

describe('rp_filter', () => {
  const files = (all: number, eth2: number, eth3?: number) => ({
    '/proc/sys/net/ipv4/conf/all/rp_filter': `${all}\n`,
    '/proc/sys/net/ipv4/conf/eth2/rp_filter': `${eth2}\n`,
    ...(eth3 === undefined ? {} : { '/proc/sys/net/ipv4/conf/eth3/rp_filter': `${eth3}\n` }),
  });
  const look = async (conf: Record<string, string>, unbound?: string, which = config) => {
    const machine = { files: conf, commands: commands(unbound === undefined ? {} : { unbound }) };
    return (await run(rpFilter, machine, { config: which })).map((f) => [f.outcome, f.fix]);
  };
  const FIX = (device: string) => `sysctl -w net/ipv4/conf/${device}/rp_filter=2`;

  it('off or loose, by the device or by "all"', async () => {
    for (const values of [files(0, 0, 0), files(0, 2, 0), files(2, 1, 1), files(1, 2, 2)]) {
      assert.deepEqual(await look(values), [
        ['ok', undefined],
        ['ok', undefined],
      ]);
    }
  });

  it('strict: fails where the way back is another NIC, warns where it is not', async () => {
    assert.deepEqual(await look(files(1, 0, 0)), [
      ['warn', FIX('eth2')],
      ['fail', FIX('eth3')],
    ]);
    assert.deepEqual(await look(files(0, 0, 1), 'eth3'), [
      ['ok', undefined],
      ['warn', FIX('eth3')],
    ]);
    assert.deepEqual(await look(files(0, 0, 1), ''), [
      ['ok', undefined],
      ['fail', FIX('eth3')],
    ]);
  });

  it('strict with one NIC, a device that is missing, no configuration', async () => {
    const services = [{ vip: '10.0.0.1:80/tcp', realServers: [`${RS}:80`] }];
    assert.deepEqual(await look(files(1, 1), undefined, plan({ nics: [{ name: 'eth2' }], services })), [['ok', undefined]]);
    assert.deepEqual((await look(files(0, 0)))[1], ['skipped', undefined]);
    assert.deepEqual(
      (await run(rpFilter, {})).map((f) => f.outcome),
      ['skipped'],
    );
  });
});
