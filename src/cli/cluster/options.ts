/** Options of the verbs that make releases and wait for servers. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ParseArgsConfig } from 'node:util';
import type { Rollout } from '../../cluster/values.ts';
import { type Asked, countOf, durationOf, usage } from './verb.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

export const WAIT_OPTIONS: Options = {
  timeout: { type: 'string', default: '120s' },
  'allow-absent': { type: 'string', default: '0' },
};

export const WAIT_HELP = `  --timeout TIME  how long the servers are waited for; default 120s. What was begun goes on
  --allow-absent N
                  servers that may be absent
`;

export const RELEASE_OPTIONS: Options = {
  why: { type: 'string' },
  'allow-removed': { type: 'string' },
  'sign-key': { type: 'string' },
};

export const RELEASE_HELP = `  --why TEXT      why; everybody reads it
  --allow-removed SHARE
                  how much of the VIPs and real servers it may remove, such as 30%; default 10%
  --sign-key FILE private key (Ed25519, PEM) to sign it with, where servers trust a key
`;

export interface Waiting {
  readonly timeoutMs: number;
  readonly allowAbsent: number;
}

export function waitingOf(asked: Asked): Waiting {
  return {
    timeoutMs: durationOf('--timeout', asked.text('timeout')!),
    allowAbsent: countOf('--allow-absent', asked.text('allow-absent')!),
  };
}

/** `30%` or `0.3` as 0.3; undefined = not given. Throws USAGE. */
export function removedOf(asked: Asked): number | undefined {
  const text = asked.text('allow-removed');
  if (text === undefined) return undefined;
  const m = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(text);
  const share = m === null ? Number.NaN : Number(m[1]) / (m[2] === '%' ? 100 : 1);
  if (!(share >= 0 && share <= 1)) throw usage(`--allow-removed: found ${text}; write a share from 0% to 100%, such as 30%`);
  return share;
}

/** Throws USAGE. */
export function signKeyOf(asked: Asked): KeyObject | undefined {
  const file = asked.text('sign-key');
  if (file === undefined) return undefined;
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(file));
  } catch (error) {
    throw usage(
      `--sign-key ${file}: it can't be used (${(error as Error).message}); make one: openssl genpkey -algorithm ed25519`,
    );
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw usage(`--sign-key ${file}: found ${key.asymmetricKeyType}; allowed: ed25519 (openssl genpkey -algorithm ed25519)`);
}

const SOAK_MS = 120_000;
const MOST_SOAK_MS = 604_800_000;

/** `canary:10m` as a stage; the soak may be left out. Throws USAGE. */
export function stageOf(text: string): Rollout['stages'][number] {
  const m = /^([^:]+)(?::(.+))?$/.exec(text);
  if (m === null) throw usage(`--stage: found "${text}"; write RING or RING:SOAK, such as canary:10m`);
  const soakMs = m[2] === undefined ? SOAK_MS : durationOf('--stage', m[2]);
  if (soakMs > MOST_SOAK_MS) throw usage(`--stage ${text}: allowed: at most 7d`);
  return { ring: m[1]!, soakMs };
}
