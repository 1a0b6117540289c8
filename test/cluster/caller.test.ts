/** Calls: which member is asked after which failure, and what is never asked twice. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Caller } from '../../src/cluster/transport/caller.ts';
import { CODES, type Link, RpcError } from '../../src/cluster/transport/link.ts';
import { METHODS } from '../../src/cluster/wire/methods.ts';

const [DOWN, DENIED] = [new RpcError(CODES.unavailable, 'down'), new RpcError(CODES.permissionDenied, 'permission denied')];
const OLD = new RpcError(CODES.invalidArgument, 'etcdserver: revision of auth store is old');
const FULL = new RpcError(CODES.resourceExhausted, 'etcdserver: mvcc: database space exceeded');
const ANSWER = Buffer.from('yes');

/** Endpoints a, b, c, each with what it answers in turn. */
function world(answers: Readonly<Record<string, readonly (Buffer | Error)[]>>) {
  const asked: string[] = [];
  const closed: string[] = [];
  const left = new Map(Object.entries(answers).map(([name, list]) => [name, [...list]]));
  const dial = (endpoint: string): Promise<Link> => {
    const call = async () => {
      asked.push(endpoint);
      const next = left.get(endpoint)?.shift() ?? DOWN;
      if (next instanceof Error) throw next;
      return next;
    };
    const stream = () => assert.fail('no stream');
    return Promise.resolve({
      endpoint,
      call,
      first: call,
      stream,
      outdated: async () => false,
      close: () => void closed.push(endpoint),
    });
  };
  const caller = new Caller({ endpoints: ['a', 'b', 'c'], dial, clock: () => performance.now(), random: () => 0 });
  return { caller, asked, closed };
}

const ask = (caller: Caller, againForMs = 0) => caller.call(METHODS.range, Buffer.alloc(0), { timeoutMs: 10, againForMs });

describe('a call', () => {
  it('goes to the member that answered last', async () => {
    const { caller, asked } = world({ a: [ANSWER, ANSWER] });
    await ask(caller);
    assert.equal(await ask(caller), ANSWER);
    assert.deepEqual(asked, ['a', 'a']);
  });

  it('that failed is made once, unless it may be repeated: then by the next member', async () => {
    const { caller, asked, closed } = world({ a: [DOWN], b: [OLD], c: [ANSWER] });
    await assert.rejects(ask(caller), DOWN);
    await new Promise(setImmediate);
    assert.deepEqual([asked, closed], [['a'], ['a']]);
    assert.equal(await ask(caller, 1000), ANSWER);
    assert.deepEqual(asked, ['a', 'b', 'c']);
  });

  it('ends after its time, with the last failure', async () => {
    const { caller, asked } = world({});
    await assert.rejects(ask(caller, 100), DOWN);
    assert.ok(asked.length > 1);
  });

  it('is not repeated when it is refused for what it asks, or for who asks', async () => {
    for (const error of [DENIED, FULL, new RpcError(CODES.invalidArgument, 'request is too large')]) {
      const { caller, asked } = world({ a: [error, ANSWER] });
      await assert.rejects(ask(caller, 1000), error);
      assert.deepEqual(asked, ['a']);
    }
  });
});
