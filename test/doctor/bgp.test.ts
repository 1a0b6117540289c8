/** Rules BGP01 to BGP09: each with a machine that has it and one that has not; and what recordings of daemons show. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { BgpLook } from '../../src/doctor/bgp/rule.ts';
import { BGP_RULES } from '../../src/doctor/bgp/rules.ts';
import { bgp } from '../../src/doctor/checks/bgp.ts';
import { decodeBirdTuning } from '../../src/routing/bird/tuning.ts';
import { parseLines } from '../../src/routing/bird/socket.ts';
import { decodeFrrTuning } from '../../src/routing/frr/tuning.ts';
import type { DaemonTuning, SessionTuning } from '../../src/routing/tuning.ts';
import { uplink } from '../edge/world.ts';
import { type Machine, plan, run as runCheck } from './fake-host.ts';

const SESSION: SessionTuning = {
  vrf: 'default',
  peer: '192.0.2.1',
  connectRetry: 5,
  hold: 9,
  bfd: true,
  gracefulRestart: false,
  channels: [{ family: 'ipv4', outbound: 'filtered' }],
};
const DAEMON: DaemonTuning = { daemon: 'bgpd', path: '/run/frr/bgpd.vty', sessions: [SESSION], filterDelay: 5 };

const lookOf = (session: Partial<SessionTuning>, daemon: Partial<DaemonTuning> = {}): BgpLook => ({
  daemons: [{ ...DAEMON, sessions: [{ ...SESSION, ...session }], ...daemon }],
  unread: [],
  uplinks: [],
});
const GOOD = lookOf({});
const PEER6 = 'fd00::1';
const BOTH = ['ipv4', 'ipv6'].map((family) => ({ family, outbound: 'filtered' })) as SessionTuning['channels'];
const DENIED = { daemon: 'bgpd', path: '/run/frr/bgpd.vty', problem: 'permission denied', denied: true } as const;

/** By code: what has it, what it says, and what has it not. */
const CASES: Readonly<Record<string, { readonly wrong: readonly BgpLook[]; readonly says: RegExp; readonly right: BgpLook[] }>> =
  {
    BGP01: { wrong: [lookOf({ connectRetry: 120 })], says: /after 120 s/, right: [lookOf({ connectRetry: 10 })] },
    BGP02: { wrong: [lookOf({ bfd: false })], says: /no BFD/, right: [GOOD] },
    BGP03: { wrong: [lookOf({ hold: 180 })], says: /180 s/, right: [lookOf({ hold: 30 })] },
    BGP04: {
      wrong: [lookOf({}, { filterDelay: 0 }), lookOf({}, { filterDelay: 60 })],
      says: /never counts|after 60 s/,
      right: [lookOf({}, { filterDelay: 1 })],
    },
    BGP05: {
      wrong: [lookOf({ channels: [{ family: 'ipv4', outbound: 'everything' }] })],
      says: /^ipv4: whatever/,
      right: [lookOf({ channels: [{ family: 'ipv4', outbound: 'nothing' }] })],
    },
    BGP06: {
      wrong: [lookOf({ peer: PEER6, channels: BOTH })],
      says: /not planned/,
      right: [
        lookOf({ channels: BOTH }),
        lookOf({ peer: PEER6, channels: BOTH.slice(1) }),
        { ...lookOf({ peer: PEER6, channels: BOTH }), uplinks: [{ ...uplink('eth2', PEER6), families: ['ipv4', 'ipv6'] }] },
      ],
    },
    BGP07: {
      wrong: [{ daemons: [], unread: [DENIED], uplinks: [] }],
      says: /permission denied/,
      right: [{ daemons: [], unread: [{ ...DENIED, denied: false }], uplinks: [] }],
    },
    BGP08: { wrong: [lookOf({ gracefulRestart: true })], says: /keep the routes/, right: [GOOD] },
    BGP09: {
      wrong: [{ ...GOOD, birdConfig: 'protocol bfd {\n accept ipv4 direct;\n interface "e*" {};\n accept ipv6 direct;\n}\n' }],
      says: /^2 accept lines$/,
      right: [
        { ...GOOD, birdConfig: 'protocol bfd {\n accept ipv4 direct;\n # accept ipv6 direct;\n}\nfilter x { accept; }\n' },
        { ...GOOD, birdConfig: 'protocol bfd b4 { accept ipv4 direct; }\nprotocol bfd b6 { accept ipv6 direct; }' },
      ],
    },
  };

describe('rules about routing daemons', () => {
  it('are BGP01 to BGP09, each with cases', () => {
    const codes = BGP_RULES.map(({ code }) => code);
    assert.deepEqual(codes, Object.keys(CASES));
    assert.deepEqual(
      codes,
      Array.from({ length: 9 }, (_, i) => `BGP0${i + 1}`),
    );
  });

  for (const { code, name, find } of BGP_RULES) {
    it(`${code} ${name}: found where it is, and not where it is not`, () => {
      const { wrong, says, right } = CASES[code]!;
      for (const look of wrong) {
        const found = find(look);
        assert.equal(found.length, 1);
        assert.match(found[0]!.message, says);
      }
      for (const look of right) assert.deepEqual(find(look), []);
    });
  }

  it('look at the uplinks of the configuration only, when there are any', () => {
    const look = lookOf({ bfd: false, hold: 180 });
    const other = { ...look, uplinks: [uplink('eth2', '192.0.2.2')] };
    assert.deepEqual(
      BGP_RULES.flatMap(({ find }) => find(other)),
      [],
    );
  });
});

const FIXTURES = new URL('../fixtures/bgp/', import.meta.url);
const recorded = (path: string) => readFileSync(new URL(path, FIXTURES), 'utf8');

describe('what recorded daemons show', () => {
  const found = (daemon: Pick<DaemonTuning, 'sessions' | 'filterDelay'>) =>
    BGP_RULES.flatMap(({ code, find }) =>
      find({ daemons: [{ ...DAEMON, ...daemon }], unread: [], uplinks: [] }).map(({ subject }) => `${code} ${subject}`),
    );

  it('FRR: a session without a policy, with slow timers, with graceful restart', () => {
    const neighbors = (state: string) => decodeFrrTuning(recorded(`frr-8.4.4/${state}/neighbors.json`), '');
    assert.deepEqual(found(neighbors('established')), ['BGP01 fd00:1:1::1', 'BGP05 fd00:1:1::1']);
    assert.deepEqual(
      found(neighbors('gr-before')).filter((one) => one.startsWith('BGP08')),
      ['10.1.1.1', '10.2.1.1', 'fd00:1:1::1'].map((peer) => `BGP08 ${peer}`),
    );
    // What has no policy is refused everything unless the operator says otherwise.
    const vrf = found(neighbors('vrf'));
    assert.ok(vrf.includes('BGP03 192.0.2.1') && vrf.includes('BGP02 10.5.0.1'), vrf.join());
    assert.ok(!vrf.includes('BGP05 192.0.2.1') && vrf.includes('BGP05 10.5.0.1'), vrf.join());
    assert.equal(decodeFrrTuning('{}', '!\nbgp route-map delay-timer 0\n!').filterDelay, 0);
  });

  it('BIRD: nothing wrong, and a session whose filter is ACCEPT', () => {
    const lines = (name: string) => parseLines(recorded(`bird-2.0.12/established/${name}`));
    const bfd = lines('bfd.txt');
    const [first, ...rest] = decodeBirdTuning(lines('protocols_all.txt'), bfd);
    assert.deepEqual([first!.hold, first!.bfd, first!.gracefulRestart, rest.length], [9, true, false, 1]);
    assert.deepEqual(found({ sessions: [first!, ...rest] }), []);
    const open = recorded('bird-2.0.12/established/protocols_all.txt').replace(
      'Output filter:  out_e1',
      'Output filter:  ACCEPT',
    );
    assert.deepEqual(found({ sessions: decodeBirdTuning(parseLines(open), bfd) }), ['BGP05 10.1.2.1']);
  });
});

describe('doctor check bgp', () => {
  it('is skipped without a daemon, ok when nothing is found, and names code and remedy', async () => {
    const run = (machine: Machine) => runCheck(bgp, machine);
    assert.deepEqual(await run({}), [{ outcome: 'skipped', message: 'no routing daemon runs here' }]);
    assert.deepEqual(await run({ routing: [DAEMON] }), [{ outcome: 'ok', message: 'bgpd: 1 sessions, nothing found' }]);
    const [finding] = await run({ routing: [{ ...DAEMON, sessions: [{ ...SESSION, bfd: false }] }] });
    assert.deepEqual(
      [finding!.outcome, finding!.subject, finding!.message],
      ['warn', '192.0.2.1', 'BGP02 no BFD session with it'],
    );
    const hung = { ...DENIED, denied: false, problem: 'does not answer' };
    assert.deepEqual(await run({ routing: [hung] }), [{ outcome: 'fail', subject: hung.path, message: 'does not answer' }]);
    const off = plan({ nics: [{ name: 'eth2' }], collectors: { bgp: false } });
    assert.match((await runCheck(bgp, { routing: [DAEMON] }, { config: off }))[0]!.message, /turned off/);
    const bird = { ...DAEMON, daemon: 'bird' } as const;
    const files = { '/etc/bird/bird.conf': 'protocol bfd { accept ipv4; accept ipv6; }' };
    assert.match((await run({ routing: [bird], files }))[0]!.message, /^BGP09 2 accept lines$/);
  });
});
