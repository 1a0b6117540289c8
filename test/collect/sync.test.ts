/** The collector sync, and what it compares, on recordings of two kernels that synchronise; the peer is a real HTTP door. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { IpvsData } from '../../src/collect/ipvs/merge.ts';
import { Output } from '../../src/collect/output.ts';
import { blockSchema } from '../../src/collect/settings.ts';
import { sync, SyncSource } from '../../src/collect/sync.ts';
import { compareSync, type NoPair, type SyncComparison, viewOfAnswer, viewOfReading } from '../../src/collect/sync/compare.ts';
import { syncAnswer } from '../../src/model/sync-answer.ts';
import { ask } from '../http/http.ts';
import { linkTo, type RunningServer, serve } from '../http/link.ts';
import { fakeView } from '../report/fake-view.ts';
import { answerOf, exportedOf, recordedSync } from './sync.recorded.ts';

const view = (name: string) => viewOfReading(recordedSync(name));
const NOTHING = viewOfReading({ services: [], daemons: [], sync: [] });
function pair(name: string): SyncComparison {
  const compared = compareSync(view(`${name}.m`), view(`${name}.b`));
  assert.ok('ratio' in compared, JSON.stringify(compared));
  return compared;
}

const noPair = (...two: Parameters<typeof compareSync>) => (compareSync(...two) as NoPair).noPair;

describe('two servers compared', () => {
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
    const { problems, sameConfiguration, connections } = pair('2-200conns-6-packets');
    assert.deepEqual({ problems, sameConfiguration, connections }, { problems: [], sameConfiguration: true, connections: 400 });
  });

  it('names a syncid that differs, and a service that the backup does not have', () => {
    assert.match(pair('5-wrong-syncid').problems[0]!, /master sends with syncid 5, the backup takes 7/);
    assert.match(
      pair('10-service-missing-on-backup').problems[0]!,
      /the backup does not have 10\.0\.0\.10:80\/tcp 10\.2\.0\.2:80/,
    );
    for (const name of ['5-wrong-syncid', '10-service-missing-on-backup']) assert.equal(pair(name).sameConfiguration, false);
  });

  it('finds out who is the master, and that two are no pair', () => {
    const [m, b] = [view('2-200conns-6-packets.m'), view('2-200conns-6-packets.b')];
    assert.deepEqual(
      [compareSync(m, b), compareSync(b, m)].map((c) => (c as SyncComparison).master),
      ['here', 'peer'],
    );
    assert.match(noPair(m, m), /no pair: daemons here: master; at the peer: master/);
    assert.match(noPair(NOTHING, b), /no pair: daemons here: none/);
    const active = { ...m, daemons: [...m.daemons, ...b.daemons] };
    assert.match(noPair(active, active), /both are master and backup at once/);
  });

  it('what a backup has too much of one real server does not hide what it lacks of another', () => {
    const active = (one: number, two: number) => new Map([['a', new Map(Object.entries({ 1: one, 2: two }))]]);
    const m = { ...view('0-idle.m'), active: active(100, 100) };
    const b = { ...view('0-idle.b'), active: active(150, 50), dropped: 7 };
    const { ratio, problems } = compareSync(m, b) as SyncComparison;
    assert.equal(ratio, 0.75);
    assert.deepEqual(problems, ['the backup dropped 7 datagrams since its daemon was started']);
  });
});

describe('what an agent answers of it', () => {
  it('is what it read, over HTTP', () => {
    for (const name of ['0-idle.m', '2-200conns-6-packets.b', '10-service-missing-on-backup.b']) {
      const answer = answerOf(recordedSync(name), 'lb-02');
      assert.deepEqual(viewOfAnswer(syncAnswer.parse(JSON.parse(JSON.stringify(answer)))), view(name), name);
      assert.equal(answer.server, 'lb-02');
    }
  });
});

const MASTER = '3b-link-up-again.m';
const BACKUP = '3b-link-up-again.b';

describe('collector sync', () => {
  const servers: RunningServer[] = [];
  after(() => Promise.all(servers.map((server) => server.close())));

  /** The HTTP door of an agent, which is that of `fakeView`: lb1. */
  async function door(data: IpvsData | undefined): Promise<string> {
    const link = linkTo(fakeView(), {}, { families: () => (data === undefined ? [] : exportedOf(data)) });
    const server = await serve(link);
    servers.push(server);
    return `http://${server.host}:${server.port}`;
  }

  type Settings = ConstructorParameters<typeof SyncSource>[0];
  const logged: string[] = [];
  function opened(here: IpvsData | undefined, peers: readonly object[], own = 'lb-09'): SyncSource {
    const reading =
      here === undefined ? { state: 'absent', reason: 'the kernel module ip_vs is not loaded' } : { state: 'data', data: here };
    const settings = blockSchema(sync).parse({ peers, timeout: '2s' }) as unknown as Settings;
    return new SyncSource(settings, {
      clock: () => 0,
      log: (_, message) => void logged.push(message),
      nics: () => [],
      edge: () => ({}),
      server: () => own,
      share: () => ({ value: { latest: async () => reading, close: () => undefined } as never, release: () => undefined }),
    });
  }
  const read = (...args: Parameters<typeof opened>) => opened(...args).read(new AbortController().signal);
  const lb1 = fakeView().plan().server;

  it('absent: no peer but itself, no kernel LVS, no daemon', async () => {
    const url = await door(recordedSync(BACKUP));
    const reasons = [
      await read(recordedSync(MASTER), []),
      await read(recordedSync(MASTER), [{ server: 'lb-09', url }]),
      await read(undefined, [{ server: lb1, url }]),
      await read({ ...recordedSync(MASTER), daemons: [] }, [{ server: lb1, url }]),
    ].map((reading) => `${reading.state}: ${'reason' in reading ? reading.reason : ''}`);
    assert.deepEqual(reasons, [
      'absent: no peer is configured: collectors.sync.peers',
      'absent: no peer is configured: collectors.sync.peers',
      'absent: the kernel module ip_vs is not loaded',
      'absent: no sync daemon of kernel LVS runs here',
    ]);
  });

  it('compares with the agent of the peer, whichever of the two is the master', async () => {
    for (const [here, there, role] of [
      [MASTER, BACKUP, 'master'],
      [BACKUP, MASTER, 'backup'],
    ] as const) {
      const reading = await read(recordedSync(here), [{ server: lb1, url: await door(recordedSync(there)) }]);
      assert.ok(reading.state === 'data', JSON.stringify(reading));
      const output = new Output();
      output.take((samples) => sync.publish(reading.data, samples));
      const series = output.families().map(({ name, rows, values }) => [name, rows[0], values[0]]);
      assert.deepEqual(series, [
        ['fourlane_session_sync_peer_compared', ['ipvs', lb1], 1],
        ['fourlane_session_sync_config_matches', ['ipvs', lb1], 1],
        ['fourlane_session_sync_completeness_ratio', ['ipvs', lb1, role], 0.4],
      ]);
    }
  });

  it('a master without connections has no share', async () => {
    const reading = await read(recordedSync('0-idle.m'), [{ server: lb1, url: await door(recordedSync('0-idle.b')) }]);
    assert.ok(reading.state === 'data');
    const output = new Output();
    output.take((samples) => sync.publish(reading.data, samples));
    assert.deepEqual(
      output.families().flatMap(({ name, rows }) => (rows.length === 0 ? [] : [name])),
      ['fourlane_session_sync_peer_compared', 'fourlane_session_sync_config_matches'],
    );
  });

  it('failed: nobody there, another server, no kernel LVS there, no pair, no answer of an agent', async () => {
    const failing = async (server: string, url: string): Promise<string> => {
      const reading = await read(recordedSync(MASTER), [{ server, url }]);
      return reading.state === 'failed' ? reading.reason : reading.state;
    };
    assert.match(
      await failing(lb1, 'http://127.0.0.1:9'),
      /^\S+: GET http:\/\/127\.0\.0\.1:9\/api\/v1\/sync failed: .*ECONNREFUSED/,
    );
    assert.match(await failing('lb-07', await door(recordedSync(BACKUP))), /^lb-07: the agent at http\S+ is that of /);
    assert.match(await failing(lb1, await door(undefined)), /it does not read kernel LVS: 404/);
    assert.match(await failing(lb1, await door(recordedSync(MASTER))), /no pair: daemons here: master; at the peer: master/);
  });

  it('one peer of two that does not answer is logged once, and shown', async () => {
    logged.length = 0;
    const source = opened(recordedSync(MASTER), [
      { server: lb1, url: await door(recordedSync(BACKUP)) },
      { server: 'gone', url: 'http://127.0.0.1:9' },
    ]);
    for (let k = 0; k < 2; k++) {
      const reading = await source.read(new AbortController().signal);
      assert.ok(reading.state === 'data');
      const output = new Output();
      output.take((samples) => sync.publish(reading.data, samples));
      const { rows, values } = output.families().find(({ name }) => name.endsWith('_compared'))!;
      assert.deepEqual(
        [rows, [...(values as Iterable<number>)]],
        [
          [
            ['ipvs', lb1],
            ['ipvs', 'gone'],
          ],
          [1, 0],
        ],
      );
    }
    assert.equal(logged.length, 1);
    assert.match(logged[0]!, /^collector sync: gone: GET /);
  });

  it('strange answers are refused', async () => {
    const good = answerOf(recordedSync(BACKUP), 'lb-02');
    assert.ok(syncAnswer.safeParse(good).success);
    for (const bad of [
      undefined,
      [],
      { ...good, daemons: [{ role: 'both', syncId: '1' }] },
      { ...good, daemons: Array(17).fill(good.daemons[0]) },
      { ...good, dropped: -1 },
      { ...good, server: 'x'.repeat(257) },
      { ...good, services: [{ service: 'a', realServers: ['b'], active: ['7'] }] },
      { ...good, services: { __proto__: [] } },
    ])
      assert.ok(!syncAnswer.safeParse(bad).success, JSON.stringify(bad)?.slice(0, 80));
  });

  it('the HTTP door answers 404 where kernel LVS is not read', async () => {
    const url = new URL(await door(undefined));
    const { status, body } = await ask(Number(url.port), '/api/v1/sync');
    assert.equal(status, 404);
    assert.match(body.toString(), /kernel LVS is not read here/);
  });
});
