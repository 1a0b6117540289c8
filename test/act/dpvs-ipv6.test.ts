/** IPv6 real servers of DPVS: shown by dpvs-agent without address, so read from DPVS itself and written with PUT /vs/{id}/rs. */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { dataOf, ONE_HOST, replay, serve } from '../collect/dpvs-fake.ts';
import { AgentServer, call, FakeAgent, results, wishOf } from './dpvs-agent.ts';

const ID = 'fd71::100-8081-tcp';
const VIP = '[fd71::100]:8081/tcp';
const server = new AgentServer(() => ({ status: 404, body: '' }));
await server.listen();
const ends: (() => unknown)[] = [() => server.close()];
after(async () => {
  for (const end of ends.toReversed()) await end();
});

let fake: FakeAgent;
const look = () => fake.look(ID);
const wish = (rs: string, weight: number) => wishOf(server.url, rs, weight, { vip: VIP });
const bodies = () => server.writes.map(({ path, body }) => [path.replace(/version=\d+/, 'version=V'), JSON.parse(body)]);
const rs = (ip: string) => [fake.rs(ID, ip)!.weight, fake.rs(ID, ip)!.inhibited];

describe('dpvs with IPv6 real servers', () => {
  beforeEach(() => {
    fake = new FakeAgent();
    fake.put(ID, [
      { ip: 'fd72::11', port: 8080, weight: 50 },
      { ip: 'fd72::12', port: 8080, weight: 70 },
      { ip: '10.72.0.11', port: 8080, weight: 101 },
    ]);
    server.respond = (request) => fake.respond(request);
    server.requests.length = 0;
  });

  it('takes one out and brings it back as it was, touching no other', async () => {
    const [out] = await call([wish('[fd72::11]:8080', 0)], [], look);
    assert.deepEqual(
      [out?.result, rs('fd72::11'), rs('fd72::12'), rs('10.72.0.11')],
      ['done', [0, true], [70, false], [101, false]],
    );
    assert.deepEqual(bodies(), [
      ['/v2/vs/fd71::100-8081-tcp/rs', { Items: [{ ip: 'fd72::11', port: 8080, weight: 0, inhibited: true, mode: 'FNAT' }] }],
    ]);
    const [back] = await call([wish('[fd72::11]:8080', 100)], [out?.note], look);
    assert.deepEqual([back?.result, rs('fd72::11')], ['done', [50, false]]);
    const [again] = await call([wish('[fd72::11]:8080', 100)], [back?.note], look);
    assert.deepEqual([again?.result, server.writes.length], ['unchanged', 2]);
  });

  it('beside an IPv4 one: what the version guards goes first, since the other write makes a new version', async () => {
    const both = [wish('[fd72::11]:8080', 0), wish('10.72.0.11:8080', 0)];
    assert.deepEqual(results(await call(both, [], look)), ['done', 'done']);
    assert.deepEqual(
      bodies().map(([path]) => path),
      ['/v2/vs/fd71::100-8081-tcp/rs/health?version=V', '/v2/vs/fd71::100-8081-tcp/rs'],
    );
    assert.deepEqual(
      [rs('fd72::11'), rs('10.72.0.11')],
      [
        [0, true],
        [0, true],
      ],
    );
  });

  it('one that somebody else has taken out is left to them; one that DPVS does not have is not made', async () => {
    Object.assign(fake.rs(ID, 'fd72::11')!, { weight: 0, inhibited: true });
    const [held] = await call([wish('[fd72::11]:8080', 0)], [], look);
    assert.match(`${held?.result} ${held?.message}`, /^unchanged somebody else has taken it out/);
    const [gone] = await call([wish('[fd72::99]:8080', 0)], [], look);
    assert.match(`${gone?.result} ${gone?.message}`, /^unchanged DPVS has no such real server/);
    assert.deepEqual(server.writes, []);
  });

  it('when DPVS can not be read it fails and is tried again; without the collector it can not be done', async () => {
    const [unread] = await call([wish('[fd72::11]:8080', 0)], [], async () => undefined);
    assert.match(`${unread?.result} ${unread?.message}`, /^failed the collector dpvs can not read/);
    const [off] = await call([wish('[fd72::11]:8080', 0)]);
    assert.match(`${off?.result} ${off?.message}`, /^unsupported .*turn it on \(collectors\.dpvs\)/);
    assert.deepEqual(server.writes, []);
  });

  it('a service that the agent did not make is not written, like any other', async () => {
    fake.cache.clear();
    const [out] = await call([wish('[fd72::11]:8080', 0)], [], look);
    assert.equal(out?.result, 'failed');
    assert.deepEqual(server.writes, []);
  });

  it('their state is read from the control socket: recorded bytes', async () => {
    const { source } = await serve(ends, replay(ONE_HOST));
    await dataOf(source.read());
    const found = await source.realServers('[fd71::100]:80/tcp');
    assert.deepEqual(
      [...found!].map(([name, state]) => [name, state.weight, state.inhibited, state.forward]),
      [
        ['[fd72::12]:80', 1, false, 'FullNAT'],
        ['[fd72::11]:80', 3, false, 'FullNAT'],
      ],
    );
    assert.equal(await source.realServers('10.9.9.9:80/tcp'), undefined);
  });
});
