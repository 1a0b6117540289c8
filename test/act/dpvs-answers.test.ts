import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { parseServices } from '../../src/act/dpvs/codec.ts';
import { AgentServer, call, FakeAgent, type Recorded, recorded, replay, results, wishOf } from './dpvs-agent.ts';
import { noted, UNKNOWN } from './world.ts';

const server = new AgentServer(() => ({ status: 404, body: '' }));
await server.listen();
after(() => server.close());

const services = (name: string) => parseServices(Buffer.from(recorded(name).body));
const paths = () => server.requests.map((r) => `${r.method} ${r.path}`);

describe('recorded answers of dpvs-agent', () => {
  beforeEach(() => void (server.requests.length = 0));
  it('live: real weights, no version, null items left out', () => {
    const live = services('made-through-agent/vs_hc');
    assert.deepEqual(
      live.map((s) => [s.vip, s.version, [...s.realServers].map(([name, rs]) => `${name} ${rs.weight}`), [...s.nameless.keys()]]),
      [
        ['[fd71::100]:8081/tcp', undefined, [], [8080]],
        ['[fd71::100]:80/tcp', undefined, [], [80]],
        ['10.71.0.102:8081/tcp', undefined, ['10.72.0.12:8080 100', '10.72.0.11:8080 101'], []],
        ['10.71.0.100:80/tcp', undefined, ['10.72.0.13:80 0', '10.72.0.12:80 100', '10.72.0.11:80 100'], []],
        ['10.71.0.101:443/tcp', undefined, ['10.72.0.11:443 10'], []],
        ['10.71.0.101:8080/tcp', undefined, ['10.72.0.12:8080 100', '10.72.0.11:8080 50'], []],
        ['10.71.0.100:5353/udp', undefined, ['10.72.0.12:5353 100', '10.72.0.11:5353 100'], []],
      ],
    );
    assert.match(recorded('made-through-agent/vs_hc').body, /,null\]\}\s$/);
  });

  it('cached: only what was made through the agent, with version', () => {
    assert.deepEqual(
      services('made-through-agent/vs').map((s) => [s.vip, s.version]),
      [
        ['10.71.0.102:8081/tcp', '1795409395892'],
        ['[fd71::100]:8081/tcp', '1795409395923'],
      ],
    );
    assert.deepEqual(services('made-elsewhere/vs'), []);
  });

  it('the stand-in of these tests answers with the same keys', () => {
    const fake = new FakeAgent();
    fake.put('10.71.0.102-8081-tcp', [
      { ip: '10.72.0.11', port: 8080, weight: 101 },
      { ip: '10.72.0.12', port: 8080, weight: 100 },
    ]);
    fake.put('fd71::100-8081-tcp', [{ ip: 'fd72::11', port: 8080, weight: 50 }]);
    const real = JSON.parse(recorded('made-through-agent/vs').body);
    real.Items[1].SchedName = 'wrr';
    const ours = JSON.parse(fake.respond({ method: 'GET', path: '/v2/vs', body: '' }).body);
    for (const [i, item] of ours.Items.entries()) item.Version = real.Items[i].Version;
    assert.deepEqual(ours, real);
    const status = (path: string) => fake.respond({ method: 'GET', path, body: '' }).status;
    assert.equal(status('/v2/vs/10.9.9.9-80-tcp'), recorded('made-through-agent/vs_missing').status);
    assert.equal(status('/v2/vs/10.71.0.102-8081-tcp/rs/health'), recorded('made-through-agent/vs1_rs_health').status);
    fake.support = false;
    fake.cache.clear();
    assert.equal(status('/v2/vs/10.71.0.102-8081-tcp'), recorded('built-without/vs1').status);
    assert.equal(status('/v2/vs?healthcheck=true'), recorded('built-without/vs_hc').status);
  });

  it('a service made elsewhere is read, but never written', async () => {
    server.respond = replay('made-through-agent', {
      '/v2/vs/10.71.0.100-80-tcp': 'vs1',
      '/v2/vs/10.71.0.100-80-tcp?healthcheck=true': 'vs1_hc_stats',
    });
    const vip = '10.71.0.100:80/tcp';
    const outcomes = await call(
      [wishOf(server.url, '10.72.0.11:80', 0, { vip }), wishOf(server.url, '10.72.0.12:80', 100, { vip })],
      [undefined, UNKNOWN],
    );
    assert.deepEqual(results(outcomes), ['failed', 'unchanged']);
    assert.deepEqual(outcomes[0]?.note, noted('{"by":"nobody"}'), 'it is known that nothing has been done');
    assert.match(outcomes[0]?.message ?? '', /^dpvs-agent has not made this service itself .* let its owner PUT it again/);
    assert.deepEqual(paths(), ['GET /v2/vs/10.71.0.100-80-tcp']);
  });

  it('IPv6 real servers without address: nothing is written, told as unsupported', async () => {
    server.respond = replay('made-through-agent', { '/v2/vs/fd71::100-80-tcp': 'vs4_v6' });
    const vip = '[fd71::100]:80/tcp';
    const asked = [0, 100].map((weight) => wishOf(server.url, '[fd72::11]:80', weight, { vip }));
    const outcomes = await call([...asked, wishOf(server.url, '[fd72::11]:81', 0, { vip })]);
    assert.deepEqual(results(outcomes), ['unsupported', 'unchanged', 'unchanged']);
    assert.match(outcomes[0]?.message ?? '', /IPv6 real servers without address.* turn it on \(collectors\.dpvs\)/);
    assert.deepEqual(paths(), ['GET /v2/vs/fd71::100-80-tcp']);
  });

  it('IPv4 real servers of an IPv6 service are written', async () => {
    const fake = new FakeAgent();
    fake.put('fd71::100-80-tcp', [{ ip: '10.72.0.11', port: 80, weight: 5 }]);
    server.respond = (request) => fake.respond(request);
    const [out] = await call([wishOf(server.url, '10.72.0.11:80', 0, { vip: '[fd71::100]:80/tcp' })]);
    assert.deepEqual([out?.result, fake.rs('fd71::100-80-tcp', '10.72.0.11')?.inhibited], ['done', true]);
  });

  it('an unknown service is no empty one, and the whole list is no answer', async () => {
    server.respond = replay('made-through-agent', { '/v2/device/any/nic': 'dev0_nic', '/v2/vs/10.9.9.9-80-tcp': 'vs_missing' });
    const [missing] = await call([wishOf(server.url, '10.72.0.11:80', 0, { vip: '10.9.9.9:80/tcp' })]);
    assert.deepEqual([missing?.result, missing?.message?.slice(0, 37)], ['failed', 'DPVS has no service 10.9.9.9:80/tcp; ']);
    server.respond = replay('made-through-agent', { '/v2/vs/10.9.9.9-80-tcp': 'vs_bad' });
    const [other] = await call([wishOf(server.url, '10.72.0.11:80', 0, { vip: '10.9.9.9:80/tcp' })]);
    assert.deepEqual([other?.result, server.writes], ['failed', []]);
    assert.match(other?.message ?? '', /does not show 10\.9\.9\.9:80\/tcp in full; nothing was changed$/);
  });

  it('DPVS built without agent support: told with the remedy, never tried again', async () => {
    server.respond = replay('built-without', {
      '/v2/vs/10.71.0.100-80-tcp': 'vs1',
      '/v2/vs?healthcheck=true': 'vs_hc',
      '/v2/vs': 'vs',
      '/v2/device/any/nic': 'dev0_nic',
    });
    const vip = '10.71.0.100:80/tcp';
    const asked = ['10.72.0.11:80', '10.72.0.12:80'].map((rs) => wishOf(server.url, rs, 0, { vip }));
    const outcomes = await call([...asked, wishOf(server.url, '10.72.0.11:80', 0, { vip: '10.71.0.101:80/tcp' })]);
    assert.deepEqual(results(outcomes), ['unsupported', 'unsupported', 'unsupported']);
    assert.match(outcomes[2]?.message ?? '', /built without CONFIG_DPVS_AGENT=y .* Rebuild DPVS with it/);
    assert.equal(server.requests.length, 4, 'the second service is not asked for');
  });
});

describe('an agent in trouble', () => {
  beforeEach(() => void (server.requests.length = 0));
  const ID = '10.71.0.102-8081-tcp';
  let fake: FakeAgent;
  beforeEach(() => {
    fake = new FakeAgent();
    fake.put(ID, [{ ip: '10.72.0.11', port: 8080, weight: 101 }]);
    server.respond = (request) => fake.respond(request);
  });
  const take = async () => (await call([wishOf(server.url, '10.72.0.11:8080', 0)]))[0];

  it('DPVS does not run: to be tried again', async () => {
    fake.running = false;
    assert.match((await take())?.message ?? '', /^dpvs-agent cannot read DPVS; does it run/);
  });

  it('restarted between reading and writing (500)', async () => {
    server.respond = (request) => {
      if (request.method === 'PUT') fake.cache.clear();
      return fake.respond(request);
    };
    const out = await take();
    assert.deepEqual([out?.result, fake.rs(ID, '10.72.0.11')?.weight], ['failed', 101]);
    assert.match(out?.message ?? '', /has been restarted$/);
  });

  const put = (answer: Recorded) => {
    server.respond = (request) => (request.method === 'PUT' ? answer : fake.respond(request));
  };
  for (const [status, result, message] of [
    [461, 'failed', /DPVS refused the change/],
    [404, 'unsupported', /no versioned PUT/],
    [405, 'unsupported', /no versioned PUT/],
    [501, 'unsupported', /no versioned PUT/],
    [201, 'failed', /unknown answer \(201\)/],
    [302, 'failed', /unknown answer \(302\)/],
    [0, 'failed', /other side closed|ECONNRESET/],
    [200, 'failed', /accepted the change, but DPVS does not show it/],
  ] as const) {
    it(`answers ${status} to the update: ${result}, one write`, async () => {
      put({ status, body: '' });
      const out = await take();
      assert.deepEqual([out?.result, server.writes.length], [result, 1]);
      assert.match(out?.message ?? '', message);
    });
  }

  for (const [name, body] of [
    ['nothing', ''],
    ['an empty string', '""\n'],
    ['null', 'null'],
    ['half an answer', '{"Items":[{"Addr":"10.71.0.102","Af":2,'],
    ['no items', '{"Items":null}'],
    ['a null item', '{"Items":[null]}'],
    ['another shape', '{"Items":[{"Addr":7}]}'],
    ['a null real server', '{"Items":[{"Addr":"10.71.0.102","Port":8081,"Proto":6,"Version":"1","RSs":{"Items":[null]}}]}'],
    ['a negative weight', recorded('made-through-agent/vs').body.replace('"weight":101', '"weight":-1')],
    ['a page', '<html>'],
  ] as const) {
    it(`shows ${name}: nothing is written`, async () => {
      server.respond = ({ path }) =>
        path.startsWith(`/v2/vs/${ID}`) ? { status: 200, body } : fake.respond({ method: 'GET', path, body: '' });
      assert.deepEqual([(await take())?.result, server.writes], ['failed', []]);
    });
  }

  it('does not answer, or is not there: one request, for all services together', async () => {
    server.respond = () => new Promise<Recorded>(() => undefined);
    const asked = (url: string, timeout: number) =>
      ['10.71.0.102:8081/tcp', '10.71.0.103:80/tcp'].map((vip) => {
        const effect = wishOf(url, '10.72.0.11:8080', 0, { vip });
        return { ...effect, spec: { ...effect.spec, timeout } };
      });
    const silent = await call(asked(server.url, 50));
    assert.deepEqual([results(silent), server.requests.length], [['failed', 'failed'], 1]);
    assert.match(silent[1]?.message ?? '', /no answer within 50 ms$/);
    const closed = new AgentServer(() => ({ status: 500, body: '' }));
    await closed.listen();
    const { url } = closed;
    await closed.close();
    const absent = await call(asked(url, 1000));
    assert.match(absent[0]?.message ?? '', /^GET http:\/\/127\.0\.0\.1:\d+\/v2\/vs\/.* failed: .*ECONNREFUSED/);
  });

  it('can go without ever having been asked, when the real server recovers first', async () => {
    fake.running = false;
    const out = await take();
    server.requests.length = 0;
    assert.deepEqual(results(await call([wishOf(server.url, '10.72.0.11:8080', 100)], [out?.note])), ['unchanged']);
  });
});
