/** The evidence log: what is written is read again; what is wrong is named with its line. And the replay command. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatObservation } from '../../src/judge/evidence/codecs.ts';
import { formatHeader } from '../../src/judge/evidence/header.ts';
import { EvidenceReader } from '../../src/judge/evidence/reader.ts';
import { formatResult } from '../../src/judge/evidence/result.ts';
import { formatTransition, Replay } from '../../src/judge/replay.ts';
import { FourlaneError } from '../../src/model/errors.ts';
import { linkFact, newBatch, type Observation } from '../../src/model/facts.ts';
import { play, topology } from './world.ts';

const world = topology({
  nics: 2,
  servers: 3,
  rack: (j) => (j > 0 ? 'k' : undefined),
  server: (j) => (j === 1 ? { intervalMs: 200, timeoutMs: 100, fall: 2, rise: 1 } : {}),
  rules: { debounce_ms: 20 },
});
const header = formatHeader(world);
const reader = () => {
  const r = new EvidenceReader();
  r.read(header);
  return r;
};

test('header, results, links and data-plane facts survive writing and reading', () => {
  const read = new EvidenceReader();
  assert.deepEqual(read.read(header), { kind: 'header', topology: world });
  const b = newBatch(2);
  b.nic.set([1, 0]);
  b.target.set([2, -1]);
  b.outcome.set([3, 0]);
  b.phase.set([5, 2]);
  b.cause.set([3, 0]);
  b.detail.set([503, 0]);
  b.rttUs.set([310, 0]);
  b.elapsedUs.set([900, 0]);
  b.t.set([1000.25, 1003]);
  assert.equal(
    formatResult(world, b, 0),
    '{"t":1000.25,"nic":"eth1","rs":"10.0.0.2:80","outcome":"l7","phase":"response","cause":"status","detail":503,' +
      '"rtt_us":310,"elapsed_us":900}',
  );
  assert.equal(formatResult(world, b, 1), '{"t":1003,"nic":"eth0","anchor":"192.0.2.1","outcome":"ok"}');
  assert.deepEqual(read.read(formatResult(world, b, 0)), {
    kind: 'result',
    t: 1000.25,
    nic: 1,
    target: 2,
    outcome: 3,
    phase: 5,
    cause: 3,
    detail: 503,
    rttUs: 310,
    elapsedUs: 900,
  });
  assert.deepEqual(read.read(formatResult(world, b, 1)), {
    kind: 'result',
    t: 1003,
    nic: 0,
    target: -1,
    outcome: 0,
    phase: 0,
    cause: 0,
    detail: 0,
    rttUs: 0,
    elapsedUs: 0,
  });
  const observations: readonly Observation[] = [
    linkFact(1, 0, 1010),
    { kind: 'dataplane', t: 1020, measuredAt: 1004.5, nic: 0, rxPps: 120_000, txPps: 118_000, answeredRatio: 0.97 },
    { kind: 'permit', t: 1030, measuredAt: 1030, nic: 1, granted: 0 },
    { ...linkFact(0, 0, 1040), port: 0, kernel: 1 },
    { ...linkFact(0, 0, 1050), port: 0 },
    { kind: 'fleet', t: 1060, measuredAt: 1055, witnesses: 16, servers: [1], bad: [2], unknown: [0] },
    { kind: 'fleet', t: 1070, measuredAt: 1070, witnesses: 3, servers: [], bad: [], unknown: [] },
    { kind: 'routing', t: 1080, measuredAt: 1075, nic: 1, session: 1, bfd: 0 },
    { kind: 'routing', t: 1090, measuredAt: 1090, nic: 0, session: 0 },
  ];
  const lines = observations.map((fact) => formatObservation(world, fact));
  assert.deepEqual(lines, [
    '{"t":1010,"nic":"eth1","carrier":0}',
    '{"t":1020,"measured_at":1004.5,"nic":"eth0","dataplane":{"rx_pps":120000,"tx_pps":118000,"answered_ratio":0.97}}',
    '{"t":1030,"nic":"eth1","permit":0}',
    '{"t":1040,"nic":"eth0","carrier":0,"port":0,"kernel":1}',
    '{"t":1050,"nic":"eth0","carrier":0,"port":0}',
    `{"t":1060,"measured_at":1055,"fleet":{"witnesses":16,"servers":["${world.realServers[1]!.id}"],"bad":[2],"unknown":[0]}}`,
    '{"t":1070,"fleet":{"witnesses":3,"servers":[],"bad":[],"unknown":[]}}',
    '{"t":1080,"measured_at":1075,"nic":"eth1","routing":{"session":1,"bfd":0}}',
    '{"t":1090,"nic":"eth0","routing":{"session":0}}',
  ]);
  assert.deepEqual(
    lines.map((line) => read.read(line)),
    observations,
  );
  const old = lines[1]!.replace('answered_ratio', 'syn_established_ratio');
  assert.deepEqual(read.read(old), observations[1], 'as agents before 2026-12 wrote it');
  assert.equal(read.read('  '), undefined);
});

test('defaults: a header may leave out groups, anchors, panic and rules', () => {
  const read = new EvidenceReader().read(
    '{"v":1,"interval_ms":1000,"timeout_ms":500,"fall":3,"rise":2,"nics":[{"name":"a"}],"realServers":[{"id":"x"}],' +
      '"services":[{"name":"s","nics":["a"],"realServers":["x"]}]}',
  );
  assert.deepEqual(read, {
    kind: 'header',
    topology: {
      intervalMs: 1000,
      timeoutMs: 500,
      fall: 3,
      rise: 2,
      nics: [{ name: 'a', group: 'a', anchors: [] }],
      realServers: [{ id: 'x', key: 'x' }],
      services: [{ name: 's', nics: [0], realServers: [0], panic: 0.5 }],
      rules: {},
    },
  });
});

const change = (from: string, to: string) => header.replace(from, to);
for (const [what, line, message] of [
  ['no JSON', 'nonsense', /line 2: "nonsense" is no JSON/],
  ['a list', '[]', /line 2: it must be a JSON object/],
  [
    'unknown outcome',
    '{"t":1,"nic":"eth0","rs":"10.0.0.0:80","outcome":"tiemout"}',
    /line 2: outcome is "tiemout"; it must be one of ok, ok_slow/,
  ],
  [
    'unknown phase',
    '{"t":1,"nic":"eth0","rs":"10.0.0.0:80","outcome":"ok","phase":"x"}',
    /phase is "x"; it must be one of start/,
  ],
  ['unknown NIC', '{"t":1,"nic":"eth7","rs":"10.0.0.0:80","outcome":"ok"}', /nic "eth7" is not in the header; add it there/],
  ['unknown real server', '{"t":1,"nic":"eth0","rs":"x","outcome":"ok"}', /rs "x" is not in the header/],
  ['unknown anchor', '{"t":1,"nic":"eth0","anchor":"x","outcome":"ok"}', /anchor "x" is none of NIC eth0/],
  ['neither rs nor anchor', '{"t":1,"nic":"eth0","outcome":"ok"}', /needs either rs or anchor/],
  ['both', '{"t":1,"nic":"eth0","rs":"10.0.0.0:80","anchor":"192.0.2.1","outcome":"ok"}', /needs either rs or anchor/],
  ['no time', '{"nic":"eth0","rs":"10.0.0.0:80","outcome":"ok"}', /t is missing; it must be a number from 0/],
  ['negative time', '{"t":-1,"nic":"eth0","carrier":0}', /t is -1/],
  ['wrong carrier', '{"t":1,"nic":"eth0","carrier":2}', /carrier is 2; it must be 0 or 1/],
  [
    'unknown entry',
    '{"t":1,"nic":"eth0","carrier":1,"speed":9}',
    /unknown entry "speed"; allowed are t, measured_at, nic, carrier/,
  ],
  ['a permit of another kind', '{"t":1,"nic":"eth0","permit":"yes"}', /permit is "yes"; it must be 0 or 1/],
  ['passes in a log of version 1', '{"pass":1000}', /version 1 has no pass lines/],
  ['half a data-plane fact', '{"t":1,"nic":"eth0","dataplane":{"rx_pps":1}}', /tx_pps is missing/],
  ['no data-plane fact', '{"t":1,"nic":"eth0","dataplane":3}', /dataplane must be an object/],
  ['another version', '{"v":3}', /v is 3; this program reads versions 1 and 2/],
  ['version 2 without origin', change('"v":1', '"v":2'), /from is missing; it must be text/],
  ['an unknown origin', change('"v":1', '"v":2,"from":"x","t":1'), /from is "x"; it must be state or reload/],
  ['a NIC twice', change('"name":"eth1"', '"name":"eth0"'), /NIC eth0 is listed twice/],
  ['a service of unknown NICs', change('"nics":["eth0","eth1"]', '"nics":["eth5"]'), /nic "eth5" is not in the header/],
  [
    'a service with a NIC twice',
    change('"nics":["eth0","eth1"]', '"nics":["eth0","eth0"]'),
    /nics of a service lists a nic twice/,
  ],
  ['an unknown rule', change('debounce_ms', 'bounce_ms'), /no rule "bounce_ms"; the rules are/],
  ['a rule out of range', change('"debounce_ms":20', '"debounce_ms":-1'), /rule debounce_ms is -1; it must be 0/],
  ['no interval', change('"interval_ms":1000', '"interval_ms":"1s"'), /interval_ms is "1s"/],
  ['anchors of another type', change('["192.0.2.1"]', '[7]'), /anchors of NIC eth0 must be a list of text/],
  ['no list of NICs', change('"nics":[{', '"nics":"x","realServers":[{'), /nics must be a list|every entry/],
  ['a name that is no text', change('"name":"eth0"', '"name":7'), /name is 7; it must be text/],
] as const) {
  test(`evidence with ${what} is refused`, () => {
    assert.throws(
      () => reader().read(line),
      (e: unknown) => e instanceof FourlaneError && e.code === 'EVIDENCE_INVALID' && message.test(e.message),
    );
  });
}

test('evidence must begin with a header, run forwards, and leave no day out', () => {
  assert.throws(() => new EvidenceReader().read('{"t":1}'), /line 1: the first line must be the header/);
  const r = reader();
  const at = (t: number) => r.read(`{"t":${t},"nic":"eth0","carrier":1}`);
  at(5000);
  at(3600);
  assert.throws(() => at(3400), /line 4: t 3400 is more than 1500 ms before 5000; sort the lines/);
  assert.throws(() => at(90_000_000), /more than a day after 5000/);
  assert.throws(() => new Replay().end(), /the log is empty/);
});

test('a second header is a reload: the past of what stays is kept', () => {
  const two = topology({ nics: 2, servers: 4 });
  const { log } = play(two, { cell: (i) => (t) => (t > 6000 && i === 0 ? 'timeout' : 'ok') }, 12_000);
  const replay = new Replay();
  const said = [...log, formatHeader(two), '{"t":12100,"nic":"eth1","carrier":1}'].flatMap((line) => replay.line(line));
  assert.deepEqual(
    said.map((x) => x.verdict),
    ['SUSPECT', 'NIC_FAIL'],
  );
  assert.deepEqual(replay.end(), []);
});

test('a transition is printed in the documented order, without evidence', () => {
  const { transitions } = play(topology({ nics: 2, servers: 4 }), { links: [linkFact(0, 0, 5000)] }, 5100);
  assert.equal(
    formatTransition(transitions[0]!),
    '{"t":5100,"subject":"nic","nic":"eth0","verdict":"NIC_FAIL","cause":"carrier","reason":"eth0 has no carrier or is ' +
      'down.","actions":[{"action":"disable_nic","nic":"eth0"}],"blocked":[]}',
  );
});

test('replay takes any number of results between two passes', () => {
  const big = topology({ nics: 2, servers: 1500 });
  const replay = new Replay();
  const said = [
    formatHeader(big),
    ...big.realServers.map((r) => `{"t":1000,"nic":"eth0","rs":"${r.id}","outcome":"ok"}`),
  ].flatMap((line) => replay.line(line));
  said.push(...replay.line('{"t":1000,"nic":"eth1","carrier":0}'), ...replay.end());
  assert.deepEqual(
    said.map((x) => [x.verdict, x.reason]),
    [['NIC_FAIL', 'eth1 has no carrier or is down.']],
  );
});

test('half a line that a killed agent left is passed over and reported, when a header follows it or nothing does', () => {
  const torn = '{"t":1000,"nic":"eth0","carr';
  const noticed: string[] = [];
  const read = new EvidenceReader((message) => noticed.push(message));
  for (const line of [header, '{"t":900,"nic":"eth0","carrier":1}', torn, header]) read.read(line);
  assert.deepEqual(read.read('{"t":500,"nic":"eth0","carrier":0}'), linkFact(0, 0, 500), 'and the clock began again');
  assert.deepEqual(noticed, ['line 4: half a line before it was passed over; its writer was stopped']);
  assert.equal(read.read(torn), undefined);
  read.end();
  assert.equal(noticed.length, 2);

  const glued = new EvidenceReader((message) => noticed.push(message));
  glued.read(header);
  assert.deepEqual(glued.read(torn + header), { kind: 'header', topology: world }, 'as agents before 2026-12 left it');

  const inside = reader();
  inside.read(torn);
  assert.throws(() => inside.read('{"t":1000,"nic":"eth0","carrier":1}'), /line 2: .* is no JSON/);
});

test('a log over a reboot: the clock may begin again after a header, in a log without passes too', () => {
  const one = topology({ nics: 2, servers: 4 });
  const day = play(one, { links: [linkFact(0, 0, 9000)] }, 9500).log;
  const later = day.map((line) => {
    const json = JSON.parse(line) as { t?: number };
    return JSON.stringify(json.t === undefined ? json : { ...json, t: json.t + 900_000 });
  });
  const replay = new Replay();
  const said = [...later, ...day].flatMap((line) => replay.line(line));
  assert.deepEqual(
    said.map((x) => x.verdict),
    ['NIC_FAIL', 'NIC_FAIL'],
  );
  assert.ok(Math.abs(said[0]!.t - 900_000 - said[1]!.t) < 1e-3, 'at the same time of each boot');
});
