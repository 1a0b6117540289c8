import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { type Answer, decode, names, parseAnswer, u64 } from '../../src/collect/telemetry/answer.ts';
import { TelemetryClient } from '../../src/collect/telemetry/client.ts';
import * as commands from '../../src/collect/telemetry/commands.ts';
import { discover, runtimeDirectories } from '../../src/collect/telemetry/discover.ts';
import { TelemetryError } from '../../src/collect/telemetry/error.ts';
import { FakeProcess, recorded, runtimeDirectory } from './dpdk.fake.ts';

const never = new AbortController().signal;
const PATIENT = { greetingMs: 5000, answerMs: 5000 };

describe('telemetry client', () => {
  let directory: ReturnType<typeof runtimeDirectory>;
  let fake: FakeProcess;
  let client: TelemetryClient;

  beforeEach(() => {
    directory = runtimeDirectory();
    fake = new FakeProcess(directory.path, 'rte', 'testpmd-25.11');
    client = new TelemetryClient(fake.server.path, PATIENT);
  });
  afterEach(() => {
    client.close();
    fake.server.close();
    directory.remove();
  });

  /** For a server that says nothing. */
  const hasty = (limit: keyof typeof PATIENT) => new TelemetryClient(fake.server.path, { ...PATIENT, [limit]: 10 });
  const rejects = (problem: string, message: RegExp, what: Promise<unknown>) =>
    assert.rejects(what, (error) => {
      assert.ok(error instanceof TelemetryError, String(error));
      assert.equal(error.problem, problem);
      assert.match(error.message, message);
      return true;
    });

  it('takes who answers from the greeting, and what it can do from its list', async () => {
    const session = await client.session(never);
    assert.deepEqual(session.greeting, { version: 'DPDK 25.11.2', pid: 8954, maxOutputLen: 16_384 });
    assert.equal(session.knows(commands.LCORE_USAGE), true);
    assert.equal(session.knows(commands.contract('/tdlb').info), false);
    assert.equal(await client.session(never), session, 'the connection is kept');
    const { value, cut } = await session.request(commands.PORT_LIST, never);
    assert.deepEqual([value, cut], [[0, 1, 2, 3], false]);
  });

  it('refuses a greeting that is none', async () => {
    for (const text of [
      'hello',
      '[]',
      '{}',
      '{"version":"DPDK 1","pid":-1,"max_output_len":16384}',
      '{"version":"x","pid":1,"max_output_len":1e9}',
    ]) {
      fake.answers.set('', text);
      await rejects('invalid', /greeting: /, client.session(never));
    }
    fake.answers.set('', '\xff'.repeat(70_000));
    await rejects('invalid', /sends something longer than a greeting/, client.session(never));
  });

  it('explains a server that takes no more clients, one that greets nobody, and one that does not answer', async () => {
    fake.answers.delete('');
    await rejects(
      'silent',
      /accepts connections and sends no greeting: its telemetry thread hangs/,
      hasty('greetingMs').session(never),
    );
    fake.answers.set('', recorded('testpmd-25.11').get('')!);
    fake.reply = () => undefined;
    await rejects('silent', /dpdk_telemetry.v2 \/: does not answer/, hasty('answerMs').session(never));
    fake.reply = (_, peer) => peer.close();
    await rejects('broken', /closed the connection: it is ending or has ended/, client.session(never));
    fake.reply = undefined;
    const session = await client.session(never);
    fake.server.close();
    await rejects('broken', /\/ethdev\/list: closed the connection/, session.request(commands.PORT_LIST, never));
    await rejects('gone', /nobody listens/, client.session(never));
  });

  it('never takes an answer that comes late for the next one', async () => {
    const session = await client.session(never);
    const abort = new AbortController();
    let late = () => undefined as void;
    fake.reply = (request, peer) => {
      late = () => peer.send(fake.answer(request));
      abort.abort(new Error('too late'));
    };
    await assert.rejects(session.request(commands.PORT_LIST, abort.signal), { message: 'too late' });
    late();
    fake.reply = undefined;
    const next = await client.session(never);
    assert.notEqual(next, session);
    assert.equal((await next.request(commands.portInfo(0), never)).command.name, '/ethdev/info');
  });

  it('asks once more when another command was answered, and then gives up', async () => {
    const session = await client.session(never);
    let wrong = 1;
    fake.reply = (request, peer) => peer.send(fake.answer(wrong-- > 0 ? '/info' : request));
    assert.deepEqual((await session.request(commands.PORT_LIST, never)).value, [0, 1, 2, 3]);
    wrong = 2;
    await rejects('invalid', /another command than this was answered, twice/, session.request(commands.PORT_LIST, never));
    assert.equal(session.usable(), false);
  });

  it('has one request in flight, whoever asks', async () => {
    let inFlight = 0;
    fake.reply = (request, peer) => {
      assert.equal(++inFlight, 1);
      setImmediate(() => {
        inFlight--;
        peer.send(fake.answer(request));
      });
    };
    const sessions = await Promise.all([client.session(never), client.session(never), client.session(never)]);
    assert.equal(new Set(sessions).size, 1);
    const asked = [0, 1, 2, 3, 99].map((port) => sessions[0]!.request(commands.portInfo(port), never));
    assert.equal((await Promise.all(asked)).filter((a) => a.value !== null).length, 4);
    assert.equal(fake.server.clients, 1);
  });

  it('one who gives up a request ends the connection for who waits behind it; the next session is a new one', async () => {
    const session = await client.session(never);
    const abort = new AbortController();
    fake.reply = () => abort.abort(new Error('enough'));
    const [given, waiting] = [session.request(commands.PORT_LIST, abort.signal), session.request(commands.RING_LIST, never)];
    await assert.rejects(given, { message: 'enough' });
    await rejects('broken', /given up while another request waited/, waiting);
    fake.reply = undefined;
    assert.notEqual(await client.session(never), session);
  });

  it('gives up when told to, and is usable by others after', async () => {
    const abort = new AbortController();
    fake.reply = () => abort.abort(new Error('the agent stops'));
    await assert.rejects(client.session(abort.signal), { message: 'the agent stops' });
    await assert.rejects(client.session(abort.signal), { message: 'the agent stops' });
    fake.reply = undefined;
    assert.equal((await client.session(never)).greeting.pid, 8954);
  });
});

describe('telemetry commands', () => {
  it('have parameters that cannot be mistaken for others', () => {
    assert.equal(commands.ringInfo('tdlb log').text, '/ring/info,tdlb log');
    for (const bad of ['a,b', '', 'a\nb', 'a\0', 'x'.repeat(128)]) assert.throws(() => commands.ringInfo(bad), RangeError);
  });

  it('fit into what DPDK allows for a command, with the longest prefix', () => {
    const prefix = `/${'a'.repeat(commands.MAX_PREFIX - 1)}`;
    assert.match(prefix, commands.PREFIX);
    const own = commands.contract(prefix);
    for (const c of [own.info, own.coreList, own.usage, own.latency(511), own.logList, own.logInfo('q')]) {
      assert.ok(c.name.length <= 55, c.name);
    }
    for (const bad of ['', '/', 'tdlb', '/a/', '//a', '/a,b', '/a b', '/a\n']) assert.doesNotMatch(bad, commands.PREFIX);
  });
});

describe('telemetry answers', () => {
  const parse = (text: string, max = 16_384) => parseAnswer(commands.PORT_LIST, Buffer.from(text), max, '/s');
  const answer = (text: string): Answer => parse(text)!;

  it('keep integers exact, whatever else is in the text', () => {
    const { value } = answer(
      '{"/ethdev/list":[18446744073709551615,9007199254740993,1,"9007199254740993",1.5,-9007199254740995]}',
    );
    assert.deepEqual(value, [18446744073709551615n, 9007199254740993n, 1, '9007199254740993', 1.5, -9007199254740995n]);
  });

  it('are of the command asked, or not taken', () => {
    for (const text of ['{}', '{"/ethdev/info":1}', '{"/ethdev/list":1,"/x":2}']) assert.equal(parse(text), undefined);
  });

  it('are suspect near the limit', () => {
    assert.equal(parse('{"/ethdev/list":null}', 321)!.cut, false);
    assert.equal(parse('{"/ethdev/list":null}', 320)!.cut, true);
    assert.throws(
      () => decode(names, parse('{"/ethdev/list":{}}', 300)!, '/s'),
      /the answer is \{\}; .* the answer has reached the size at which DPDK leaves entries out/,
    );
  });

  it('property: any bytes give an answer or a TelemetryError, in the shape asked for', () => {
    const texts = [...recorded('lcorelat-25.11').values()];
    const damaged = fc
      .tuple(fc.constantFrom(...texts), fc.nat(), fc.nat({ max: 30 }), fc.uint8Array({ maxLength: 8 }))
      .map(([text, at, cut, put]) => {
        const bytes = Buffer.from(text);
        const from = at % bytes.length;
        return Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + cut)]);
      });
    const deep = fc.nat({ max: 30_000 }).map((n) => Buffer.from('['.repeat(n)));
    fc.assert(
      fc.property(
        fc.oneof(
          damaged,
          deep,
          fc.json().map((j) => Buffer.from(j)),
        ),
        (bytes) => {
          try {
            const a = parseAnswer(commands.contract('/tdlb').usage, bytes, 16_384, '/s');
            if (a !== undefined) decode(u64, a, '/s');
          } catch (error) {
            assert.ok(error instanceof TelemetryError, String(error));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('discovery of telemetry sockets', () => {
  it('looks where DPDK puts its files', () => {
    assert.deepEqual(runtimeDirectories({}, 0), ['/var/run/dpdk', '/run/user/0/dpdk']);
    assert.deepEqual(runtimeDirectories({ RUNTIME_DIRECTORY: '/run/a:/run/b:c' }, 7), [
      '/var/run/dpdk',
      '/run/a/dpdk',
      '/run/b/dpdk',
      '/run/user/7/dpdk',
    ]);
  });

  it('names each by its prefix, or by its path where that is not unique', async () => {
    const [a, b] = [runtimeDirectory(), runtimeDirectory()];
    const fakes = [
      new FakeProcess(a.path, 'rte', 'testpmd-22.11'),
      new FakeProcess(a.path, 'rte', 'testpmd-22.11', 'dpdk_telemetry.v2:1'),
      new FakeProcess(a.path, 'rte', 'testpmd-22.11', 'mp_socket'),
      new FakeProcess(b.path, 'rte', 'testpmd-22.11'),
    ];
    const { sockets, problems } = await discover([a.path, b.path, a.path, '/nonexistent']);
    assert.deepEqual(
      sockets.map((s) => s.source),
      ['rte', 'rte:1', `${b.path}/rte/dpdk_telemetry.v2`],
    );
    assert.deepEqual(problems, []);
    for (const f of fakes) f.server.close();
    a.remove();
    b.remove();
  });
});
