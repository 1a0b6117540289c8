/** The collector bgp on recordings of FRR 8.4.4 and BIRD 2.0.12: what each state of a session is read as. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { bgp } from '../../src/collect/bgp.ts';
import type { BgpData } from '../../src/collect/bgp/data.ts';
import { Output } from '../../src/collect/output.ts';
import { birdState, BIRD_EDGE, FRR_EDGE, frrState, Machine, recording, vty } from './bgp.fake.ts';
import { uplink } from '../edge/world.ts';

const cleanups: Machine[] = [];
after(() => {
  for (const machine of cleanups) machine.close();
});

function machine(...options: ConstructorParameters<typeof Machine>): Machine {
  const made = new Machine(...options);
  cleanups.push(made);
  return made;
}

function withFrr(state: string, edge = FRR_EDGE): Machine {
  const made = machine({ edge });
  made.bgpd(frrState(state));
  made.bfdd(frrState(state));
  return made;
}

function withBird(state: string, edge = BIRD_EDGE): Machine {
  const made = machine({ edge });
  made.bird(birdState(state));
  return made;
}

/** A session in one line: state, BFD, why it ended last, which planned prefixes its peer lacks, how many it gets beyond them. */
function line(data: BgpData, peer: string): string {
  const session = data.up.flatMap((d) => d.sessions).find((s) => s.peer === peer);
  const bfd = data.up.flatMap((d) => d.bfd).find((b) => b.peer === peer);
  const missing = data.planned.filter((p) => p.peer === peer && !p.announced).map((p) => p.prefix);
  const surplus = data.unplanned.find((u) => u.peer === peer);
  const { code = '', reason = '' } = session?.reset ?? {};
  return [
    session?.state ?? 'no session',
    `bfd ${bfd?.state ?? 'none'}`,
    `${code} ${reason}`.trim() || 'no reason',
    missing.length === 0 ? 'all announced' : `lacks ${missing.join(' ')}`,
    `surplus ${surplus?.count ?? 'unknown'}`,
  ].join(' | ');
}

const NOTHING = 'lacks 10.64.0.0/29 10.64.0.0/28 10.64.0.0/26';

describe('FRR', () => {
  const states: Readonly<Record<string, string>> = {
    established: 'established | bfd up | no reason | all announced | surplus 0',
    'link-down': `active | bfd down | Waiting for NHT | ${NOTHING} | surplus 0`,
    // Recorded a second after the session was established again: not all had been announced yet.
    'bfd-down': 'established | bfd init | no reason | lacks 10.64.0.0/29 | surplus 0',
    'tcp-blocked-5s': 'established | bfd up | no reason | all announced | surplus 0',
    'tcp-blocked-hold-expired': `connect | bfd up | 0400 Hold Timer Expired | ${NOTHING} | surplus 0`,
    'peer-admin-shutdown': `active | bfd up | 0602 ToR maintenance 4711 | ${NOTHING} | surplus 0`,
    'local-admin-shutdown': `admin_down | bfd up | Admin. shutdown | ${NOTHING} | surplus 0`,
    'peer-max-prefix': `active | bfd up | 0601 Cease/Maximum Number of Prefixes Reached | ${NOTHING} | surplus 0`,
    'wrong-as': `idle | bfd down | 0202 OPEN Message Error/Bad Peer AS | ${NOTHING} | surplus 0`,
    'password-mismatch': `connect | bfd up | 0202 OPEN Message Error/Bad Peer AS | ${NOTHING} | surplus 0`,
    'prefix-filtered-and-missing': 'established | bfd up | no reason | lacks 10.64.0.0/29 | surplus 0',
    'graceful-shutdown': 'established | bfd up | no reason | all announced | surplus 0',
    'gr-just-after': `idle | bfd up | no reason | ${NOTHING} | surplus 0`,
  };
  for (const [state, expected] of Object.entries(states)) {
    it(state, async () => assert.equal(line(await withFrr(state).data(), '10.1.1.1'), expected));
  }

  it('bfdd is asked for its sessions after enable only', async () => {
    const made = withFrr('established');
    await made.data();
    assert.deepEqual(made.daemons[1]!.asked, ['enable', 'show bfd peers json']);
    assert.ok(!made.daemons[0]!.asked.includes('enable'));
  });

  it('own-max-prefix: down until it is cleared', async () => {
    const text = line(await withFrr('own-max-prefix').data(), '10.2.1.1');
    assert.match(text, /^prefix_limit \| bfd up \| BFD down received \| lacks 10\.64\.0\.8\/29/);
  });

  it('the other uplink is as it was, whatever happens to this one', async () => {
    for (const state of ['link-down', 'bfd-down', 'peer-admin-shutdown', 'peer-max-prefix'])
      assert.equal(
        line(await withFrr(state).data(), '10.2.1.1'),
        'established | bfd up | no reason | all announced | surplus 0',
        state,
      );
  });

  it('a prefix that is not originated is missing at its NIC', async () => {
    assert.match(line(await withFrr('prefix-filtered-and-missing').data(), '10.2.1.1'), /lacks 10\.64\.0\.8\/29 \| surplus 0$/);
  });

  it('unnumbered sessions are named by their interface, which is their NIC', async () => {
    const { up } = await withFrr('unnumbered-active', {}).data();
    const [session] = up[0]!.sessions.filter((s) => s.peer === 'e2');
    assert.deepEqual([session!.state, session!.nic, session!.families.length], ['idle', 'e2', 1]);
  });

  it('sessions of a VRF are read with its prefixes', async () => {
    const edge = { snat: FRR_EDGE.snat!, bgp: { uplinks: [uplink('e1', '10.5.0.1', { vrf: 'red' })], vips: [] } };
    const made = withFrr('vrf', edge);
    const data = await made.data();
    assert.ok(data.planned.some((p) => p.prefix === '10.64.0.0/29' && p.announced));
    assert.ok(made.daemons[0]!.asked.includes('show bgp vrf red ipv4 unicast 10.64.0.0/29 json'));
    const sessions = data.up[0]!.sessions.map((s) => `${s.vrf} ${s.peer} ${s.state}`);
    assert.deepEqual(sessions, ['default 192.0.2.1 active', 'red 10.5.0.1 established']);
  });

  it('an IPv6 session that carries IPv4 leaks past the filters: counted, and named', async () => {
    const made = machine({ edge: FRR_EDGE });
    const state = frrState('established');
    const summary = JSON.parse(recording('frr-8.4.4/established/summary.json').toString()) as Record<
      string,
      Record<string, { peers: object }>
    >;
    const peer = { state: 'Established', peerState: 'OK', pfxRcd: 0, pfxSnt: 5 };
    Object.assign(summary['default']!['ipv4Unicast']!.peers, { 'fd00:1:1::1': peer });
    made.bgpd((command, client) => {
      if (command.includes('summary')) return vty(JSON.stringify(summary));
      if (command === 'show bgp ipv4 unicast neighbors fd00:1:1::1 advertised-routes json')
        return vty(recording('frr-8.4.4/lb-leaks-over-v6-session.json').toString());
      return state(command, client);
    });
    const { unplanned, up } = await made.data();
    const leak = unplanned.find((u) => u.peer === 'fd00:1:1::1')!;
    assert.equal(leak.nic, 'e1', 'by the network that the peer is in');
    assert.ok(leak.names!.includes('0.0.0.0/0') && leak.names!.includes('10.64.0.8/29'), leak.names!.join(' '));
    assert.equal(up[0]!.sessions.find((s) => s.peer === 'fd00:1:1::1')!.families.length, 2);
  });
});

const NONE = 'lacks 10.64.0.16/29 10.64.0.16/28 10.64.0.0/26 203.0.113.42/32';

describe('BIRD', () => {
  const states: Readonly<Record<string, string>> = {
    established: 'established | bfd up | no reason | all announced | surplus 0',
    'link-down': `idle | bfd none | Error: Link down | ${NONE} | surplus 0`,
    'bfd-down': 'established | bfd init | no reason | all announced | surplus 0',
    'tcp-blocked-5s': 'established | bfd up | no reason | all announced | surplus 0',
    'tcp-blocked-hold-expired': `connect | bfd up | no reason | ${NONE} | surplus 0`,
    'peer-admin-shutdown': `active | bfd up | ToR maintenance 4711 | ${NONE} | surplus 0`,
    'local-admin-shutdown': `admin_down | bfd none | no reason | ${NONE} | surplus 0`,
    'peer-max-prefix': `active | bfd up | Socket: Connection reset by peer | ${NONE} | surplus 0`,
    'prefix-filtered-and-missing': 'established | bfd up | no reason | lacks 10.64.0.16/29 | surplus 0',
  };
  for (const [state, expected] of Object.entries(states)) {
    it(state, async () => assert.equal(line(await withBird(state).data(), '10.1.2.1'), expected));
  }

  it('gives up the right to change anything before it asks', async () => {
    const made = withBird('established');
    await made.data();
    assert.equal(made.daemons[0]!.asked[0], 'restrict');
    assert.deepEqual(made.daemons[0]!.asked.slice(1, 4), ['show status', 'show protocols all', 'show bfd sessions']);
  });

  it('shows since when, by its own clock', async () => {
    const { up } = await withBird('bfd-down').data();
    const uptimes = up[0]!.sessions.map((s) => Math.round(s.uptime!));
    assert.deepEqual(uptimes, [1, 949]);
  });

  it('counts ends of sessions itself', async () => {
    const made = withBird('established');
    const drops = async () => (await made.data()).up[0]!.sessions.map((s) => s.drops);
    assert.deepEqual(await drops(), [0, 0]);
    made.daemons[0]!.answer = birdState('peer-admin-shutdown');
    assert.deepEqual(await drops(), [1, 0]);
    made.daemons[0]!.answer = birdState('prefix-filtered-and-missing');
    assert.deepEqual(await drops(), [1, 0], 'it is up again');
    made.daemons[0]!.answer = birdState('established');
    assert.deepEqual(await drops(), [2, 0], 'up since another time: it ended between two readings');
  });

  it('is asked for the prefixes of an uplink together, as far as it can hold the questions', async () => {
    const vips = Array.from({ length: 60 }, (_, k) => `198.51.100.${k}/32`);
    const made = withBird('established', { ...BIRD_EDGE, bgp: { ...BIRD_EDGE.bgp!, vips: ['203.0.113.42/32', ...vips] } });
    const { planned } = await made.data();
    const [bird] = made.daemons;
    assert.equal(planned.filter(({ peer }) => peer === '10.1.2.1').length, 3 + 61);
    assert.equal(bird!.asked.filter((command) => command.endsWith(' export up_e1')).length, 3 + 61);
    assert.ok(planned.some(({ prefix, announced }) => prefix === '203.0.113.42/32' && announced));
    assert.ok(bird!.waited > 900 && bird!.waited <= 1000, `${bird!.waited} bytes waited`);
  });

  it('what is exported beyond the plan is named, and asked for once a minute', async () => {
    const made = withBird('established', { ...BIRD_EDGE, bgp: { ...BIRD_EDGE.bgp!, vips: [] } });
    const asks = () => made.daemons[0]!.asked.filter((command) => command === 'show route export up_e1').length;
    const surplus = async () => (await made.data()).unplanned.find((u) => u.peer === '10.1.2.1')!;
    assert.deepEqual(await surplus(), { vrf: 'default', peer: '10.1.2.1', nic: 'e1', count: 1, names: ['203.0.113.42/32'] });
    made.now += 5000;
    assert.equal((await surplus()).count, 1);
    assert.equal(asks(), 1);
    made.now += 60_000;
    await surplus();
    assert.equal(asks(), 2);
  });

  it('a table that is too large is not asked for: the number alone is known', async () => {
    const made = machine({ edge: { ...BIRD_EDGE, bgp: { ...BIRD_EDGE.bgp!, vips: [] } }, maxTable: 3 });
    made.bird(birdState('established'));
    const { unplanned } = await made.data();
    assert.deepEqual(unplanned[0], { vrf: 'default', peer: '10.1.2.1', nic: 'e1', count: 1 });
    assert.ok(!made.daemons[0]!.asked.includes('show route export up_e1'));
  });
});

it('a reading as series: states, families, planned prefixes', async () => {
  const output = new Output();
  const data = await withFrr('peer-admin-shutdown').data();
  output.take((samples) => bgp.publish(data, samples));
  const value = (name: string, labels: string) => {
    const family = output.families().find((f) => f.name === `fourlane_${name}`)!;
    return family.values[family.rows.findIndex((row) => row.join(' ') === labels)];
  };
  assert.equal(value('bgp_daemon_up', 'bgpd'), 1);
  assert.equal(value('bgp_daemon_up', 'bfdd'), 1);
  assert.equal(value('bgp_session_up', 'bgpd default 10.1.1.1 e1 ipv4'), 0);
  assert.equal(value('bgp_session_up', 'bgpd default 10.2.1.1 e2 ipv4'), 1);
  assert.equal(value('bgp_session_state', 'bgpd default 10.1.1.1 e1 active'), 1);
  assert.equal(value('bgp_session_reset_info', 'bgpd default 10.1.1.1 e1 0602 ToR maintenance 4711'), 1);
  assert.equal(value('bgp_prefixes', 'bgpd default 10.2.1.1 e2 ipv4 announced'), 3);
  assert.equal(value('bgp_prefix_expected', '10.64.0.0/29 group e1 10.1.1.1'), 1);
  assert.equal(value('bgp_prefix_announced', '10.64.0.0/29 group e1 10.1.1.1'), 0);
  assert.equal(value('bgp_prefix_announced', '10.64.0.8/29 group e2 10.2.1.1'), 1);
  assert.equal(value('bfd_session_up', 'bgpd default 10.1.1.1 e1'), 1);
  assert.equal(value('bgp_unplanned_prefixes', 'default 10.2.1.1 e2'), 0);
  assert.ok(data.up[0]!.durations.counts.reduce((sum, count) => sum + count, 0) === 1);
});
