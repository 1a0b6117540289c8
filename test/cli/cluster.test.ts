import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cluster } from '../../src/cli/cluster/cluster.ts';
import { readContent } from '../../src/cli/cluster/content.ts';
import { EXIT, EXIT_TEXT } from '../../src/cli/cluster/exit.ts';
import { stageOf } from '../../src/cli/cluster/options.ts';
import { Progress } from '../../src/cli/cluster/progress.ts';
import { readClusterFile } from '../../src/cli/cluster/session.ts';
import { isGood } from '../../src/cli/cluster/status.ts';
import { durationOf } from '../../src/cli/cluster/verb.ts';
import type { ClusterStatus } from '../../src/model/cluster-status.ts';
import { printed, scratch } from './printed.ts';

const { folder, file } = scratch('cluster');
const run = (...argv: readonly string[]) => printed(cluster, argv);

const SERVICE = '  - {name: web, vip: 10.9.0.1:80/tcp, nics: [eth2], realServers: ["10.0.0.1:80"]}';

describe('what a release carries of a file', () => {
  it('may be written as JSON', async () => {
    const service = { name: 'web', vip: '10.9.0.1:80/tcp', realServers: ['10.0.0.1:80'] };
    for (const text of [
      JSON.stringify({ services: [service] }, undefined, 1),
      '{services: [{vip: "10.9.0.1:80/tcp", realServers: ["10.0.0.1:80"]}],\n}',
    ])
      assert.equal((await readContent(file('json.yaml', text))).services.size, 1);
    assert.equal((await readContent(file('none.yaml', '{}'))).services.size, 0);
  });

  it('is its services, checks and rules, whether it has NICs or not', async () => {
    const alone = await readContent(file('alone.yaml', 'services:', SERVICE));
    const whole = await readContent(file('whole.yaml', 'nics: [{name: eth2}]', 'stateDir: /tmp/x', 'services:', SERVICE));
    assert.deepEqual([...alone.services.keys()], ['web']);
    assert.deepEqual(whole, alone);
  });

  it('is refused with the line and the column, as in any configuration', async () => {
    const bad = file('bad.yaml', 'services:', SERVICE, '  - {name: api, vip: 10.9.0.2:80/tcp, realServers: [nonsense]}');
    await assert.rejects(readContent(bad), /bad\.yaml:3:\d+: services\[1\]/);
    await assert.rejects(readContent(file('none.yaml', '- 1')), /none\.yaml:1:1/);
    await assert.rejects(readContent(join(folder, 'missing.yaml')), /missing\.yaml: there is no such file/);
    await assert.rejects(readContent(folder), { code: 'CONFIG_UNREADABLE' });
  });
});

describe('fourlane cluster', () => {
  it('prints verbs, and for each its help with the exit codes', async () => {
    const { out, status } = await run('--help');
    assert.equal(status, 0);
    const verbs = [...out.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, verb]) => verb!);
    assert.ok(verbs.length >= 8);
    for (const verb of verbs) {
      const help = await run(verb, '--help');
      assert.equal(help.status, 0, verb);
      assert.match(help.out, new RegExp(`^Usage: fourlane cluster ${verb}`), verb);
      for (const text of Object.values(EXIT_TEXT)) assert.ok(help.out.includes(text), verb);
    }
    await assert.rejects(run('nonsense'), /there is no verb "nonsense"/);
  });

  it('has a code of its own for each way to end', () => {
    assert.equal(new Set(Object.values(EXIT)).size, Object.keys(EXIT).length);
    assert.deepEqual(Object.keys(EXIT_TEXT).toSorted(), Object.keys(EXIT).toSorted());
  });

  it('names the file that is missing and what makes it, as text or as JSON', async () => {
    const path = join(folder, 'cluster.yaml');
    const text = await run('status', '--cluster', path);
    assert.deepEqual([text.status, text.out], [1, '']);
    assert.match(text.err, /there is no .*cluster\.yaml; make a cluster with fourlane cluster init/);
    const { status, out } = await run('status', '--cluster', path, '--json');
    assert.equal(status, 1);
    assert.equal(JSON.parse(out).error.code, 'CONFIG_UNREADABLE');
    assert.equal((await run('status', '--nonsense')).status, 1);
  });

  it('reads the key cluster of any configuration', async () => {
    await assert.rejects(
      readClusterFile(file('no-etcd.yaml', 'cluster: edge-1')),
      /no-etcd\.yaml:1:\d+: cluster: it has no etcd/,
    );
    await assert.rejects(
      readClusterFile(file('wrong.yaml', 'cluster: {etcd: {endpoints: [http://a:1]}}')),
      /wrong\.yaml:1:\d+: cluster\.etcd\.endpoints.*must be https/s,
    );
    const tls = '{ca: /a/ca.pem, cert: /a/api.pem, key: /a/api.key}';
    const good = await readClusterFile(
      file('good.yaml', `cluster: {name: e, etcd: {endpoints: ["https://10.0.0.1:2379"], tls: ${tls}}}`, 'nics: []'),
    );
    assert.deepEqual([good.name, good.etcd.endpoints], ['e', ['https://10.0.0.1:2379']]);
  });

  it('reads times and stages', () => {
    assert.deepEqual(
      ['90s', '2m', '1h', '250ms'].map((text) => durationOf('--x', text)),
      [90_000, 120_000, 3_600_000, 250],
    );
    assert.throws(() => durationOf('--x', '2 hours'), /--x: found 2 hours; write a number with/);
    assert.deepEqual(stageOf('canary:10m'), { ring: 'canary', soakMs: 600_000 });
    assert.deepEqual(stageOf('rest'), { ring: 'rest', soakMs: 120_000 });
    assert.throws(() => stageOf('rest:8d'), /at most 7d/);
    assert.throws(() => stageOf(''), /write RING or RING:SOAK/);
  });

  it('is good only when every server runs what it should and nothing waits for a person', () => {
    const server = { counts: 'done' } as ClusterStatus['servers'][number];
    const good = { servers: [server], drifts: [], problems: [], rollouts: [] } as unknown as ClusterStatus;
    assert.ok(isGood(good));
    assert.ok(isGood({ ...good, servers: [server, { ...server, counts: 'excused' }] }));
    for (const counts of ['pending', 'failed', 'absent'] as const)
      assert.ok(!isGood({ ...good, servers: [{ ...server, counts }] }), counts);
    assert.ok(!isGood({ ...good, problems: ['release/1: damaged'] }));
    const halted = { n: 1, release: 2, state: 'halted', text: '' };
    assert.ok(!isGood({ ...good, rollouts: [halted] }));
    assert.ok(isGood({ ...good, rollouts: [{ ...halted, n: 2, state: 'done' }, halted] }), 'a later one is done');
  });

  it('shows what it waits for: a line for each change, or one that is drawn again on a terminal', () => {
    const lines: string[] = [];
    const io = { out: () => undefined, err: (text: string) => void lines.push(text) };
    const plain = new Progress(io, { isTTY: false } as NodeJS.WriteStream);
    for (const share of [0.5, 0.5, 1]) plain.tell('applied', share);
    for (const seconds of [9, 8]) plain.tell(`soaks for ${seconds} s`, 1);
    plain.done();
    const [half, full] = ['##########..........', '####################'];
    assert.deepEqual(lines, [`[${half}] applied\n`, `[${full}] applied\n`, `[${full}] soaks for 9 s\n`]);
    let drawn = '';
    const terminal = { isTTY: true, columns: 30, write: (text: string) => void (drawn += text) } as unknown as NodeJS.WriteStream;
    const shown = new Progress(io, terminal);
    shown.tell('\u001b[31mnot red, and too long for this terminal', 0);
    shown.done();
    assert.equal(drawn, '\r\u001b[K[....................] \\u001b\r\u001b[K');
  });
});
