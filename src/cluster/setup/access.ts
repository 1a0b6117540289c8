/** Users and roles in etcd, by certificate: no password, so that none can be guessed and none expires. */
import type { Caller } from '../transport/caller.ts';
import { RpcError } from '../transport/link.ts';
import { encode } from '../wire/encode.ts';
import { prefixRange } from '../wire/kv.ts';
import { type Method, METHODS } from '../wire/methods.ts';

/** A right on one key, or on all keys that begin with it. */
export interface Grant {
  readonly permission: 'read' | 'readwrite';
  readonly key: string;
  readonly prefix: boolean;
}

/** A user, by the common name of its certificate, with a role of the same name. */
export interface Access {
  readonly user: string;
  readonly grants: readonly Grant[];
}

const CALL_MS = 5000;
const READ = 0;
const READWRITE = 2;
const ROOT = 'root';

/**
 * Gives these users their roles and rights, and turns authentication on. May be repeated: what is there already stays, rights are
 * added. The caller must be root once authentication is on.
 */
export async function grantAccess(caller: Caller, wanted: readonly Access[]): Promise<void> {
  const calls = [{ user: ROOT, grants: [] }, ...wanted].flatMap(callsFor);
  for (const [method, request] of [...calls, [METHODS.authEnable, Buffer.alloc(0)] as const]) {
    try {
      await caller.call(method, request, { timeoutMs: CALL_MS });
    } catch (error) {
      if (!(error instanceof RpcError && error.message.includes('already exists'))) throw error;
    }
  }
}

function callsFor({ user, grants }: Access): readonly (readonly [Method, Buffer])[] {
  return [
    [METHODS.userAdd, encode({ 1: user, 3: encode({ 1: true }) })],
    [METHODS.roleAdd, encode({ 1: user })],
    ...grants.map((grant) => [METHODS.roleGrantPermission, encode({ 1: user, 2: permission(grant) })] as const),
    [METHODS.userGrantRole, encode({ 1: user, 2: user })],
  ];
}

function permission({ permission: kind, key, prefix }: Grant): Buffer {
  return encode({ 1: kind === 'read' ? READ : READWRITE, 2: key, 3: prefix ? prefixRange(key).end : undefined });
}
