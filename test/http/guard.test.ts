import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { guardMutation, isLoopback } from '../../src/http/guard.ts';
import { FourlaneError } from '../../src/model/errors.ts';
import type { Plan } from '../../src/model/plan.ts';
import { makePlan } from '../report/fake-view.ts';

/** Code of the refusal, or `ok`. */
function outcome(
  headers: Record<string, string>,
  { web = {}, from = '127.0.0.1' }: { web?: Plan['web']; from?: string } = {},
): string {
  const req = { headers: { host: 'localhost:9844', ...headers }, socket: { remoteAddress: from } } as unknown as IncomingMessage;
  try {
    guardMutation(req, makePlan(1, 1, 1, { web, listen: { host: '10.0.0.5', port: 9844 } }));
    return 'ok';
  } catch (error) {
    assert.ok(error instanceof FourlaneError);
    return error.code;
  }
}

const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
const password = { username: 'ops', passwordSha256: createHash('sha256').update('s:ecret').digest('hex') };

test('loopback is loopback in all its spellings', () => {
  assert.ok(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'].every(isLoopback));
  assert.ok(![undefined, '', '10.0.0.1', '::ffff:10.0.0.1', '::2', 'localhost', '128.0.0.1'].some(isLoopback));
});

test('without credentials: from loopback only', () => {
  for (const from of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) assert.equal(outcome({}, { from }), 'ok');
  for (const from of ['10.0.0.1', '::ffff:10.0.0.1', 'fd00::1']) assert.equal(outcome({}, { from }), 'FORBIDDEN');
});

test('without credentials: the Host must be this agent', () => {
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:9844', '[::1]:9844', '10.0.0.5:9844'])
    assert.equal(outcome({ host }), 'ok', host);
  for (const host of ['evil.example', 'evil.example:9844', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.6', '']) {
    assert.equal(outcome({ host }), 'FORBIDDEN', host);
  }
});

test('a page of another site is refused, with credentials too', () => {
  const web = { bearerToken: 't0ken' };
  const authorization = 'Bearer t0ken';
  for (const headers of [
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:9999' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]) {
    assert.equal(outcome(headers), 'FORBIDDEN', JSON.stringify(headers));
    assert.equal(outcome({ ...headers, authorization }, { web }), 'FORBIDDEN', JSON.stringify(headers));
  }
  assert.equal(outcome({ origin: 'http://localhost:9844', 'sec-fetch-site': 'same-origin' }), 'ok');
});

test('with credentials they decide, from everywhere', () => {
  const from = '10.0.0.1';
  const web = { bearerToken: 't0ken', ...password };
  for (const headers of [{ authorization: 'Bearer t0ken' }, { authorization: 'bearer  t0ken' }, basic('ops:s:ecret')]) {
    assert.equal(outcome({ host: 'lb-01', ...headers }, { web, from }), 'ok');
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
    assert.equal(outcome(headers, { web, from }), 'UNAUTHORIZED', JSON.stringify(headers));
  }
  assert.equal(outcome({}, { web }), 'UNAUTHORIZED', 'loopback is not enough then');
});

test('one kind of credentials does not open the other', () => {
  assert.equal(outcome({ authorization: 'Bearer undefined' }, { web: password }), 'UNAUTHORIZED');
  assert.equal(outcome(basic('undefined:undefined'), { web: { bearerToken: 't' } }), 'UNAUTHORIZED');
});
