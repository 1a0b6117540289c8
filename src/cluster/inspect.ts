/**
 * One look at an etcd as a server sees it, for the doctor: who answers, which version, what our certificate may do. Changes
 * nothing.
 */
import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import type { EtcdSettings } from '../model/plan.ts';
import { clusterPrefix, keyOf } from './keys.ts';
import { Caller } from './transport/caller.ts';
import { grpcDial } from './transport/grpc.ts';
import { type Identity, readIdentity } from './transport/identity.ts';
import { CODES, RpcError } from './transport/link.ts';
import { encode } from './wire/encode.ts';
import { prefixRange, putRequest, rangeRequest, readRange } from './wire/kv.ts';
import { METHODS } from './wire/methods.ts';
import { readStatus } from './wire/members.ts';
import { txnRequest } from './wire/txn.ts';

export interface MemberLook {
  readonly endpoint: string;
  /** Why it does not answer; '': it does. */
  readonly error: string;
  /** Undefined: neither shown over HTTP nor to our user. */
  readonly version: string | undefined;
  /** HTTP is answered on the port of gRPC. */
  readonly http: boolean;
}

/** allowed, denied, or why it could not be asked. */
export type Answer = 'allowed' | 'denied' | { readonly error: string };

export interface EtcdLook {
  /** Why the files can't be used; '': they can. */
  readonly certificateError: string;
  /** Common name of our certificate, and the end of its validity, Unix ms. */
  readonly user: string;
  readonly notAfter: number;
  readonly members: readonly MemberLook[];
  /** Keys of our cluster. */
  readonly read: Answer;
  /** `target`, which only the API may write; and the same hidden in a transaction inside a transaction. */
  readonly write: Answer;
  readonly nestedWrite: Answer;
  readonly revision: number;
  /** Something was forgotten already: compaction is made by somebody. */
  readonly compacted: boolean;
}

const CALL_MS = 3000;
/** No key has it: what is compared with it is not so, and nothing is done. The right to do it is asked for all the same. */
const NEVER = Number.MAX_SAFE_INTEGER;

/** Resolves in every case. */
export async function inspectEtcd({ endpoints, tls }: EtcdSettings, cluster: string): Promise<EtcdLook> {
  const nothing = { user: '', notAfter: 0, members: [], revision: 0, compacted: false };
  let identity: Identity;
  try {
    identity = await readIdentity(tls);
  } catch (error) {
    const unasked = { error: 'not asked' };
    return { ...nothing, certificateError: (error as Error).message, read: unasked, write: unasked, nestedWrite: unasked };
  }
  const user = /^CN=(.*)$/m.exec(new X509Certificate(identity.cert).subject)?.[1] ?? '';
  const caller = (some: readonly string[]) =>
    new Caller({ endpoints: some, dial: grpcDial(tls), clock: () => performance.now(), random: Math.random });
  const any = caller(endpoints);
  try {
    const members = await Promise.all(endpoints.map((endpoint) => look(endpoint, identity, caller([endpoint]))));
    return { certificateError: '', user, notAfter: identity.notAfter, members, ...(await rights(any, cluster)) };
  } finally {
    any.close();
  }
}

async function look(endpoint: string, identity: Identity, caller: Caller): Promise<MemberLook> {
  try {
    const overHttp = await versionOverHttp(endpoint, identity);
    const asked = caller.call(METHODS.status, Buffer.alloc(0), { timeoutMs: CALL_MS }).then(readStatus);
    const answer = await asked.catch((error: unknown) => error as Error);
    const refused = answer instanceof RpcError && answer.code !== CODES.unavailable && answer.code !== CODES.deadlineExceeded;
    const error = answer instanceof Error && !refused ? answer.message : '';
    const version = overHttp ?? (answer instanceof Error ? undefined : answer.version);
    return { endpoint, error, version, http: overHttp !== undefined };
  } finally {
    caller.close();
  }
}

/** `GET /version`: undefined when HTTP is not answered there. */
function versionOverHttp(endpoint: string, { ca, cert, key }: Identity): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = request(`${endpoint}/version`, { ca, cert, key, timeout: CALL_MS, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text = `${text}${part}`.slice(0, 1000)));
      response.on('end', () => resolve(/"etcdserver":"([\w.+-]+)"/.exec(text)?.[1]));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}

async function rights(
  caller: Caller,
  cluster: string,
): Promise<Pick<EtcdLook, 'read' | 'write' | 'nestedWrite' | 'revision' | 'compacted'>> {
  const prefix = clusterPrefix(cluster);
  const asked = { timeoutMs: CALL_MS, againForMs: CALL_MS };
  const put = encode({ 2: putRequest(`${prefix}${keyOf('target', 'doctor')}`, '') });
  const never = txnRequest({ compare: [{ key: `${prefix}target/`, mod: NEVER }], operations: [] });
  const inner = encode({ 4: Buffer.concat([never, encode({ 2: put })]) });
  const [range, write, nestedWrite] = await Promise.all([
    caller
      .call(METHODS.range, rangeRequest(prefixRange(prefix), { limit: 1 }), asked)
      .then(readRange)
      .catch((error: unknown) => error as Error),
    allowed(caller.call(METHODS.txn, Buffer.concat([never, encode({ 2: put })]), asked)),
    allowed(caller.call(METHODS.txn, Buffer.concat([never, encode({ 2: inner })]), asked)),
  ]);
  const read = await allowed(range instanceof Error ? Promise.reject(range) : Promise.resolve());
  const revision = range instanceof Error ? 0 : range.header.revision;
  const old =
    revision < 2
      ? undefined
      : await caller.call(METHODS.range, rangeRequest({ key: prefix }, { revision: 1 }), asked).catch(String);
  return { read, write, nestedWrite, revision, compacted: typeof old === 'string' && old.includes('compacted') };
}

async function allowed(asked: Promise<unknown>): Promise<Answer> {
  try {
    await asked;
    return 'allowed';
  } catch (error) {
    return error instanceof RpcError && error.code === CODES.permissionDenied ? 'denied' : { error: (error as Error).message };
  }
}
