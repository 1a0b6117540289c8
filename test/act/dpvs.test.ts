import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import type { Effect } from '../../src/act/actuator.ts';
import { dpvs } from '../../src/act/dpvs.ts';
import { AgentServer, call, FakeAgent, results, wishOf } from './dpvs-agent.ts';
import { noted, UNKNOWN } from './world.ts';

const ID = '10.71.0.102-8081-tcp';
const OTHER = '10.71.0.103-80-udp';

let fake: FakeAgent;
const server = new AgentServer((request) => fake.respond(request));
await server.listen();
after(() => server.close());
const closers: (() => Promise<void>)[] = [];

const wish = (realServer: string, weight: number, part: Partial<Effect> = {}) => wishOf(server.url, realServer, weight, part);

const stateOf = (ip: string, id = ID) => {
  const { weight, inhibited } = fake.rs(id, ip)!;
  return [weight, inhibited];
};

describe('dpvs', () => {
  beforeEach(() => {
    fake = new FakeAgent();
    fake.put(ID, [
      { ip: '10.72.0.11', port: 8080, weight: 101 },
      { ip: '10.72.0.12', port: 8080, weight: 100 },
    ]);
    fake.put(OTHER, [{ ip: '10.72.0.11', port: 53, weight: 7 }]);
    server.respond = (request) => fake.respond(request);
    server.requests.length = 0;
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  it('inhibits a real server and restores it as its owner has configured it, touching nothing else', async () => {
    const [out] = await call([wish('10.72.0.11:8080', 0)]);
    assert.deepEqual([out?.result, stateOf('10.72.0.11'), stateOf('10.72.0.12')], ['done', [0, true], [100, false]]);
    const [put] = server.writes;
    assert.match(put?.path ?? '', /^\/v2\/vs\/10\.71\.0\.102-8081-tcp\/rs\/health\?version=\d{13}$/);
    assert.deepEqual(JSON.parse(put?.body ?? ''), {
      Items: [{ ip: '10.72.0.11', port: 8080, weight: 0, inhibited: true, mode: 'FNAT' }],
    });
    const [back] = await call([wish('10.72.0.11:8080', 100)], [out?.note]);
    assert.deepEqual([back?.result, stateOf('10.72.0.11')], ['done', [101, false]]);
  });

  it('brings back by parts of the full weight', async () => {
    let [last] = await call([wish('10.72.0.11:8080', 0)]);
    for (const [weight, expected] of [
      [10, 10],
      [55, 56],
      [100, 101],
    ] as const) {
      [last] = await call([wish('10.72.0.11:8080', weight)], [last?.note]);
      assert.deepEqual(stateOf('10.72.0.11'), [expected, false]);
    }
  });

  it('writes nothing when it is so already', async () => {
    const [out] = await call([wish('10.72.0.11:8080', 0)]);
    server.requests.length = 0;
    const [again] = await call([wish('10.72.0.11:8080', 0)], [out?.note]);
    assert.deepEqual([again?.result, again?.differs, server.writes], ['unchanged', false, []]);
  });

  it('changes a whole service in one request', async () => {
    const outcomes = await call([wish('10.72.0.11:8080', 0), wish('10.72.0.12:8080', 0)]);
    assert.deepEqual([results(outcomes), server.writes.length], [['done', 'done'], 1]);
  });

  it('tells the services of a batch apart', async () => {
    const outcomes = await call([
      wish('10.72.0.11:8080', 0, { vip: '10.71.0.199:80/tcp' }),
      wish('10.72.0.11:53', 0, { vip: '10.71.0.103:53/udp' }),
      wish('10.72.0.11:53', 0, { vip: '10.71.0.103:80/udp' }),
      wish('10.72.0.11:53', 0, { vip: 'fwmark:7' }),
    ]);
    assert.deepEqual(results(outcomes), ['failed', 'failed', 'done', 'unsupported']);
    assert.match(outcomes[0]?.message ?? '', /^DPVS has no service 10\.71\.0\.199:80\/tcp; /);
    assert.deepEqual(stateOf('10.72.0.11', OTHER), [0, true]);
  });

  it('after a restart of DPVS says so: the agent still lists the service, DPVS has it no longer', async () => {
    fake.dpvs.delete(ID);
    const [out] = await call([wish('10.72.0.11:8080', 0)]);
    assert.equal(out?.result, 'failed');
    assert.match(
      out.message ?? '',
      /^DPVS has no service 10\.71\.0\.102:8081\/tcp, though dpvs-agent lists it: DPVS has been started again since; /,
    );
    fake.put(ID, [{ ip: '10.72.0.11', port: 8080, weight: 100 }]);
    assert.deepEqual(results(await call([wish('10.72.0.11:8080', 0)], [out.note])), ['done']);
  });

  it('reads again on a conflict (270), and writes at the new version', async () => {
    let meddle = true;
    server.respond = (request) => {
      if (request.method === 'PUT' && meddle) fake.put(ID, [{ ip: '10.72.0.11', port: 8080, weight: 70 }]);
      meddle &&= request.method !== 'PUT';
      return fake.respond(request);
    };
    const [out] = await call([wish('10.72.0.11:8080', 0)]);
    assert.deepEqual([out?.result, server.writes.length, stateOf('10.72.0.11')], ['done', 2, [0, true]]);
    const [back] = await call([wish('10.72.0.11:8080', 100)], [out?.note]);
    assert.deepEqual([back?.result, stateOf('10.72.0.11')], ['done', [70, false]]);
  });

  it('gives up for now when another writer is always quicker', async () => {
    server.respond = (request) => {
      if (request.method === 'PUT') fake.put(ID, [{ ip: '10.72.0.11', port: 8080, weight: 70 }]);
      return fake.respond(request);
    };
    const [out] = await call([wish('10.72.0.11:8080', 0)]);
    assert.deepEqual([out?.result, server.writes.length, stateOf('10.72.0.11')], ['failed', 4, [70, false]]);
    assert.match(out?.message ?? '', /^another writer was quicker 4 times/);
  });

  it('finds what the owner has put back into service, and takes the new weight over', async () => {
    const [out] = await call([wish('10.72.0.11:8080', 0)]);
    fake.put(ID, [{ ip: '10.72.0.11', port: 8080, weight: 70 }]);
    const [again] = await call([wish('10.72.0.11:8080', 0)], [out?.note]);
    assert.deepEqual([again?.result, again?.differs, stateOf('10.72.0.11')], ['done', true, [0, true]]);
    await call([wish('10.72.0.11:8080', 100)], [again?.note]);
    assert.deepEqual(stateOf('10.72.0.11'), [70, false]);
  });

  it('restores a weight that was set past the agent', async () => {
    fake.direct(ID, [{ ip: '10.72.0.11', port: 8080, weight: 30 }]);
    const [out] = await call([wish('10.72.0.11:8080', 0)]);
    await call([wish('10.72.0.11:8080', 100)], [out?.note]);
    assert.deepEqual(stateOf('10.72.0.11'), [30, false]);
  });

  it('restores to 0 what its owner has drained meanwhile', async () => {
    const [out] = await call([wish('10.72.0.11:8080', 0)]);
    fake.put(ID, [{ ip: '10.72.0.11', port: 8080, weight: 0 }]);
    await call([wish('10.72.0.11:8080', 100)], [out?.note]);
    assert.deepEqual(stateOf('10.72.0.11'), [0, false]);
  });

  for (const [who, take] of [
    ['inhibited', () => fake.health(ID, { ip: '10.72.0.11', port: 8080, weight: 0, inhibited: true })],
    ['drained past the agent', () => fake.direct(ID, [{ ip: '10.72.0.11', port: 8080, weight: 0 }])],
  ] as const) {
    it(`leaves alone what somebody else has ${who}`, async () => {
      take();
      const before = stateOf('10.72.0.11');
      let [last] = await call([wish('10.72.0.11:8080', 0)]);
      assert.match(last?.message ?? '', /^somebody else has taken it out of service/);
      for (const weight of [0, 10, 100]) [last] = await call([wish('10.72.0.11:8080', weight)], [last?.note]);
      assert.deepEqual([last?.result, server.writes, stateOf('10.72.0.11')], ['unchanged', [], before]);
    });

    it(`leaves alone what somebody else has ${who} during a slow start, and says so`, async () => {
      const [out] = await call([wish('10.72.0.11:8080', 0)]);
      const [part] = await call([wish('10.72.0.11:8080', 10)], [out?.note]);
      take();
      const before = stateOf('10.72.0.11');
      const [more] = await call([wish('10.72.0.11:8080', 20)], [part?.note]);
      assert.deepEqual([more?.result, more?.differs, stateOf('10.72.0.11')], ['unchanged', true, before]);
      const [full] = await call([wish('10.72.0.11:8080', 100)], [more?.note]);
      assert.deepEqual([full?.result, full?.differs, stateOf('10.72.0.11')], ['unchanged', false, before]);
    });
  }

  it('takes over when the other lets go while it is still down', async () => {
    fake.health(ID, { ip: '10.72.0.11', port: 8080, weight: 0, inhibited: true });
    const [held] = await call([wish('10.72.0.11:8080', 0)]);
    fake.health(ID, { ip: '10.72.0.11', port: 8080, weight: 101, inhibited: false });
    const [out] = await call([wish('10.72.0.11:8080', 0)], [held?.note]);
    await call([wish('10.72.0.11:8080', 100)], [out?.note]);
    assert.deepEqual([out?.result, stateOf('10.72.0.11')], ['done', [101, false]]);
  });

  for (const note of [UNKNOWN, noted('nonsense'), noted('{"by":"nobody knows"}')]) {
    it(`restores when it is not known who took it out (${JSON.stringify(note)})`, async () => {
      fake.health(ID, { ip: '10.72.0.11', port: 8080, weight: 0, inhibited: true });
      const [back] = await call([wish('10.72.0.11:8080', 100)], [note]);
      assert.deepEqual([back?.result, stateOf('10.72.0.11')], ['done', [101, false]]);
    });
  }

  it('restores exactly after a write whose answer was lost, whether it was carried out or not', async () => {
    for (const isCarriedOut of [true, false]) {
      let [last] = await call([wish('10.72.0.11:8080', 0)]);
      [last] = await call([wish('10.72.0.11:8080', 30)], [last?.note]);
      server.respond = (request) => {
        if (request.method !== 'PUT') return fake.respond(request);
        if (isCarriedOut) fake.respond(request);
        return { status: 0, body: '' };
      };
      [last] = await call([wish('10.72.0.11:8080', 0)], [last?.note]);
      assert.equal(last?.result, 'failed');
      server.respond = (request) => fake.respond(request);
      await call([wish('10.72.0.11:8080', 100)], [last?.note]);
      assert.deepEqual(stateOf('10.72.0.11'), [101, false]);
    }
  });

  it('has nothing to do for a real server that is gone; a service that is gone is told', async () => {
    const [out] = await call([wish('10.72.0.11:8080', 0)]);
    fake.remove(ID, '10.72.0.11');
    const gone = await call([wish('10.72.0.11:8080', 0), wish('10.72.0.11:8080', 100)], [undefined, out?.note]);
    assert.deepEqual(results(gone), ['unchanged', 'unchanged']);
    fake.dpvs.delete(ID);
    fake.cache.delete(ID);
    const [back] = await call([wish('10.72.0.11:8080', 100)], [out?.note]);
    assert.deepEqual([back?.result, back?.note], ['failed', out?.note], '404 is what a busy DPVS looks like, too');
  });

  it('reads again when a real server has gone in between (460)', async () => {
    let meddle = true;
    server.respond = (request) => {
      if (request.method === 'PUT' && meddle) fake.remove(ID, '10.72.0.12');
      meddle &&= request.method !== 'PUT';
      return fake.respond(request);
    };
    const outcomes = await call([wish('10.72.0.11:8080', 0), wish('10.72.0.12:8080', 0)]);
    assert.equal(outcomes[1]?.message, 'DPVS has no such real server in this service, so it receives nothing');
    assert.deepEqual([outcomes[0]?.result, stateOf('10.72.0.11')], ['done', [0, true]]);
  });

  it('knows the agent by a unix socket too', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fourlane-agent-'));
    const local = new AgentServer((request) => fake.respond(request));
    await local.listen(join(dir, 'agent.sock'));
    closers.push(async () => {
      await local.close();
      rmSync(dir, { recursive: true });
    });
    const url = `unix:${join(dir, 'agent.sock')}`;
    assert.ok(dpvs.schema.safeParse({ url }).success);
    const effect = wish('10.72.0.11:8080', 0);
    assert.deepEqual(results(await call([{ ...effect, spec: { ...effect.spec, url } }])), ['done']);
  });
});
