/** `fourlane sync compare` on recordings of two kernels that synchronise, through what the agent would export of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { compareSync, type NoPair, syncView, type SyncComparison } from '../../src/cli/sync/compare.ts';
import { syncCommand } from '../../src/cli/sync.ts';
import { ipvs } from '../../src/collect/ipvs.ts';
import { parseDaemons } from '../../src/collect/ipvs/listing.ts';
import { mergeServices } from '../../src/collect/ipvs/merge.ts';
import { parseTable } from '../../src/collect/ipvs/proc.ts';
import { parseSyncSockets } from '../../src/collect/ipvs/sync.ts';
import { Output } from '../../src/collect/output.ts';
import { Exposition } from '../../src/metrics/exposition.ts';

const NONE = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };

/** What an agent exports of a recorded state: `1-200conns-no-data.m` and others; m is the master, b the backup. */
function exported(name: string): string {
  const text = readFileSync(new URL(`../fixtures/session-sync/${name}.txt`, import.meta.url), 'utf8');
  const part = (title: string) => new RegExp(`^## ${title}\n([^#]*)`, 'm').exec(text)?.[1] ?? '';
  const listed = parseTable(part('/proc/net/ip_vs'));
  const counted = listed.map(({ key, realServers }) => ({
    key,
    ipv6: false,
    traffic: NONE,
    realServers: realServers.map(({ realServer }) => ({ realServer, traffic: NONE })),
  }));
  const output = new Output();
  output.take((samples) =>
    ipvs.publish(
      {
        services: mergeServices(counted, listed),
        totals: NONE,
        cpus: new Map(),
        daemons: parseDaemons(part('ipvsadm --daemon')),
        sync: parseSyncSockets(part('/proc/net/udp')),
      },
      samples,
    ),
  );
  const build = '# TYPE fourlane_build_info gauge\nfourlane_build_info{version="0"} 1\n';
  return build + new Exposition({ cluster: 'edge', server: 'lb' }).render(output.families(), 'text').toString();
}

const view = (name: string) => syncView(exported(name));
function pair(name: string): SyncComparison {
  const compared = compareSync(view(`${name}.m`), view(`${name}.b`));
  assert.ok('ratio' in compared, JSON.stringify(compared));
  return compared;
}

const noPair = (...two: Parameters<typeof compareSync>) => (compareSync(...two) as NoPair).noPair;

describe('sync compare', () => {
  it('shows what the backup of a recorded pair knows', () => {
    const ratios = Object.fromEntries(
      ['0-idle', '1-200conns-no-data', '2-200conns-6-packets', '3b-link-up-again', '5-wrong-syncid'].map((name) => [
        name,
        pair(name).ratio,
      ]),
    );
    assert.deepEqual(ratios, {
      '0-idle': 1,
      // Below the threshold of 3 packets nothing is handed over.
      '1-200conns-no-data': 0,
      '2-200conns-6-packets': 0.5,
      // Made while the link was down, and not handed over since.
      '3b-link-up-again': 0.4,
      '5-wrong-syncid': 0,
    });
    assert.deepEqual(pair('2-200conns-6-packets').problems, []);
  });

  it('names a syncid that differs, and a service that the backup does not have', () => {
    assert.match(pair('5-wrong-syncid').problems[0]!, /master sends with syncid 5, the backup takes 7/);
    assert.match(
      pair('10-service-missing-on-backup').problems[0]!,
      /the backup does not have 10\.0\.0\.10:80\/tcp 10\.2\.0\.2:80/,
    );
  });

  it('finds out who is the master, and that two are no pair', () => {
    const [m, b] = [view('2-200conns-6-packets.m'), view('2-200conns-6-packets.b')];
    assert.deepEqual(
      [compareSync(m, b), compareSync(b, m)].map((c) => (c as SyncComparison).master),
      ['here', 'peer'],
    );
    assert.match(noPair(m, m), /no pair: daemons here: master; at the peer: master/);
    assert.match(noPair(syncView(''), b), /no pair: daemons here: none/);
    const active = { ...m, daemons: [...m.daemons, ...b.daemons] };
    assert.match(noPair(active, active), /both are master and backup at once/);
  });

  it('what a backup has too much of one real server does not hide what it lacks of another', () => {
    const m = {
      ...view('0-idle.m'),
      active: new Map([
        ['a 1', 100],
        ['a 2', 100],
      ]),
    };
    const b = {
      ...view('0-idle.b'),
      active: new Map([
        ['a 1', 150],
        ['a 2', 50],
      ]),
      dropped: 7,
    };
    const { ratio, problems } = compareSync(m, b) as SyncComparison;
    assert.equal(ratio, 0.75);
    assert.deepEqual(problems, ['the backup dropped 7 datagrams since its daemon was started']);
  });
});

describe('fourlane sync compare', () => {
  const servers: Server[] = [];
  after(() => servers.forEach((server) => server.close()));
  const agent = async (text: string): Promise<string> => {
    const server = createServer((_, answer) => answer.end(text));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const run = async (...argv: readonly string[]) => {
    let [out, err] = ['', ''];
    const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
    const status = await syncCommand(argv, io);
    return { status, out, err };
  };

  it('prints the table, the share and what is wrong', async () => {
    const url = await agent(exported('3b-link-up-again.m'));
    const peer = await agent(exported('3b-link-up-again.b'));
    const { status, out } = await run('compare', '--url', url, '--peer', peer);
    assert.equal(status, 2);
    assert.equal(
      out,
      'SERVICE           REAL SERVER  MASTER  BACKUP\n' +
        '10.0.0.10:80/tcp  10.2.0.2:80  500     200\n' +
        'a fail-over keeps 40.0 % of the connections; the master is here\n',
    );
    assert.equal((await run('compare', '--url', url, '--peer', peer, '--least', '40')).status, 0);
    const none = await run('compare', '--url', url, '--peer', url);
    assert.deepEqual([none.status, none.out], [1, '']);
    assert.match(none.err, /no pair/);
  });

  it('refuses what it cannot use', async () => {
    await assert.rejects(run('compare'), /ask `sync compare --peer URL`/);
    await assert.rejects(run('compare', '--peer', 'http://x', '--least', '101'), /--least is 0 to 100/);
    const stranger = await agent('hello');
    await assert.rejects(run('compare', '--url', stranger, '--peer', stranger), /no agent at .* \(HTTP status 200\)/);
    await assert.rejects(run('compare', '--url', stranger, '--peer', 'nowhere'), /no agent at nowhere \(this is no URL\)/);
  });
});
