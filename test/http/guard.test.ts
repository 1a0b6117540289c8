import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { test } from 'node:test';
import bcrypt from 'bcryptjs';
import { guardMutation, guardRead, isLoopback } from '../../src/http/guard.ts';
import { Guesses } from '../../src/http/guesses.ts';
import { FourlaneError } from '../../src/model/errors.ts';
import type { Plan } from '../../src/model/plan.ts';
import { hashPassword } from '../../src/sys/password.ts';
import { makePlan } from '../report/fake-view.ts';

const request = (headers: Record<string, string>, { from = '127.0.0.1', to = '127.0.0.1' } = {}) =>
  ({ headers, socket: { remoteAddress: from, localAddress: to } }) as unknown as IncomingMessage;
const codeOf = (error: unknown) => (assert.ok(error instanceof FourlaneError), error.code);

/** Code of the refusal of a change, or `ok`. */
async function outcome(
  headers: Record<string, string>,
  {
    web = {},
    from = '127.0.0.1',
    guesses = new Guesses(
      () => 0,
      () => undefined,
    ),
  }: Options = {},
): Promise<string> {
  const req = request({ host: 'localhost:9844', ...headers }, { from });
  return guardMutation(req, makePlan(1, 1, 1, { web }), guesses).then(() => 'ok', codeOf);
}
interface Options {
  readonly web?: Plan['web'];
  readonly from?: string;
  readonly guesses?: Guesses;
}

const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
const password = { username: 'ops', passwordSha256: createHash('sha256').update('s:ecret').digest('hex') };

test('loopback is loopback in all its spellings', () => {
  assert.ok(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'].every(isLoopback));
  assert.ok(![undefined, '', '10.0.0.1', '::ffff:10.0.0.1', '::2', 'localhost', '128.0.0.1'].some(isLoopback));
});

test('without credentials configured nothing is changed over TCP, wherever it comes from', async () => {
  for (const from of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', 'fd00::1'])
    assert.equal(await outcome({}, { from }), 'FORBIDDEN');
});

test('reading on loopback: the Host must be this agent; elsewhere it is as it is', () => {
  const read = (headers: Record<string, string>, to?: string) => {
    try {
      guardRead(request(headers, to === undefined ? {} : { to }), ['10.0.0.5', 'lb-01']);
      return 'ok';
    } catch (error) {
      return codeOf(error);
    }
  };
  for (const host of [
    'localhost',
    'LOCALHOST:1',
    '127.0.0.1:9844',
    '127.0.1.1',
    '[::1]:9844',
    '10.0.0.5:9844',
    'lb-01',
    hostname(),
  ])
    for (const to of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) assert.equal(read({ host }, to), 'ok', `${host} ${to}`);
  for (const host of ['evil.example', 'evil.example:9844', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.6', '']) {
    assert.equal(read({ host }), 'FORBIDDEN', host);
    assert.equal(read({ host }, '192.0.2.7'), 'ok', `${host} on an address of its own`);
  }
  assert.equal(read({}), 'ok', 'HTTP/1.0: no browser');
});

test('a page of another site is refused, with credentials too', async () => {
  const web = { bearerToken: 't0ken' };
  const authorization = 'Bearer t0ken';
  for (const headers of [
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:9999' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]) {
    assert.equal(await outcome({ ...headers, authorization }, { web }), 'FORBIDDEN', JSON.stringify(headers));
  }
  const own = { origin: 'http://localhost:9844', 'sec-fetch-site': 'same-origin', authorization };
  assert.equal(await outcome(own, { web }), 'ok');
});

test('with credentials they decide, from everywhere', async () => {
  const from = '10.0.0.1';
  const web = { bearerToken: 't0ken', ...password };
  for (const headers of [{ authorization: 'Bearer t0ken' }, { authorization: 'bearer  t0ken' }, basic('ops:s:ecret')]) {
    assert.equal(await outcome({ host: 'lb-01', ...headers }, { web, from }), 'ok');
  }
  for (const headers of [
    {},
    { authorization: 'Bearer t0ke' },
    { authorization: 'Bearer ' },
    { authorization: 't0ken' },
    { authorization: 'Digest t0ken' },
    basic('ops:wrong'),
    basic('root:s:ecret'),
    basic('ops'),
    basic(''),
    { authorization: 'Basic !!' },
  ]) {
    assert.equal(await outcome(headers, { web, from }), 'UNAUTHORIZED', JSON.stringify(headers));
  }
  assert.equal(await outcome({}, { web }), 'UNAUTHORIZED', 'loopback is not enough then');
});

test('one kind of credentials does not open the other', async () => {
  assert.equal(await outcome({ authorization: 'Bearer undefined' }, { web: password }), 'UNAUTHORIZED');
  assert.equal(await outcome(basic('undefined:undefined'), { web: { bearerToken: 't' } }), 'UNAUTHORIZED');
});

test('passwords as scrypt, bcrypt or SHA-256', async () => {
  const hashes = [
    { passwordHash: await hashPassword('s:ecret') },
    { passwordHash: bcrypt.hashSync('s:ecret', 4) },
    { passwordHash: bcrypt.hashSync('s:ecret', 4).replace('$2b$', '$2y$') },
    { passwordSha256: password.passwordSha256 },
  ];
  for (const hash of hashes) {
    const web = { username: 'ops', ...hash };
    assert.equal(await outcome(basic('ops:s:ecret'), { web }), 'ok', JSON.stringify(hash));
    assert.equal(await outcome(basic('ops:s:ecreT'), { web }), 'UNAUTHORIZED', JSON.stringify(hash));
    assert.equal(await outcome(basic('ops:'), { web }), 'UNAUTHORIZED', JSON.stringify(hash));
    assert.equal(await outcome(basic(`ops:${'x'.repeat(100)}`), { web }), 'UNAUTHORIZED', JSON.stringify(hash));
  }
});

test('wrong credentials: five at once from one address, then one in five seconds; others are not held up', async () => {
  let now = 0;
  const reported: string[] = [];
  let heard = 0;
  const guesses = new Guesses(
    () => now,
    ({ address, toLog }) => {
      heard++;
      if (toLog > 0) reported.push(`${address} ${toLog}`);
    },
  );
  const web = { bearerToken: 'rightrightrightright' };
  const guess = (token: string, from = '10.0.0.1') => outcome({ authorization: `Bearer ${token}` }, { web, from, guesses });
  for (let k = 0; k < 5; k++) assert.equal(await guess('wrong'), 'UNAUTHORIZED');
  for (let k = 0; k < 50; k++) assert.equal(await guess('wrong'), 'RATE_LIMITED');
  assert.equal(await guess(web.bearerToken), 'RATE_LIMITED', 'the right one is not looked at either');
  assert.equal(await guess(web.bearerToken, '10.0.0.2'), 'ok');
  now += 5000;
  assert.equal(await guess('wrong'), 'UNAUTHORIZED');
  assert.equal(await guess('wrong'), 'RATE_LIMITED');
  now += 5000;
  assert.equal(await guess(web.bearerToken), 'ok');
  now += 60_000;
  assert.equal(await guess('wrong'), 'UNAUTHORIZED');
  assert.deepEqual(reported, ['10.0.0.1 1', '10.0.0.1 6']);
  assert.equal(heard, 7);
  assert.equal(await outcome({}, { web, guesses }), 'UNAUTHORIZED', 'none at all is no guess');
  assert.equal(heard, 7);
});
