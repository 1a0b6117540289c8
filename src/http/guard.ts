/** Who may change something over HTTP. Reading is open to whoever reaches the port; see docs/http.md. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { FourlaneError } from '../model/errors.ts';
import type { Plan } from '../model/plan.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether an address is this machine's own loopback, `::ffff:127.0.0.1` included. */
export function isLoopback(address: string | undefined): boolean {
  const plain = address?.replace(/^::ffff:(?=\d+\.)/i, '') ?? '';
  const family = isIP(plain);
  return family !== 0 && LOOPBACK.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}

/** Host part of a Host header, without port and brackets. */
function hostName(host: string): string {
  return host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}

/** Compares secrets in a time that does not depend on where they differ. */
function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function authenticated(header: string | undefined, web: Plan['web']): boolean {
  const [scheme = '', credentials = ''] = (header ?? '').split(/ +/, 2);
  if (scheme.toLowerCase() === 'bearer') return web.bearerToken !== undefined && same(credentials, web.bearerToken);
  if (scheme.toLowerCase() !== 'basic' || web.username === undefined || web.passwordSha256 === undefined) return false;
  const text = Buffer.from(credentials, 'base64').toString();
  const colon = text.indexOf(':');
  const password = createHash('sha256')
    .update(text.slice(colon + 1))
    .digest('hex');
  // Both are always compared: the time must not tell a right user name from a wrong one.
  const [user, secret] = [
    same(text.slice(0, Math.max(colon, 0)), web.username),
    same(password, web.passwordSha256.toLowerCase()),
  ];
  return user && secret;
}

/**
 * Throws FourlaneError UNAUTHORIZED or FORBIDDEN unless `req` may change something. With credentials configured they decide;
 * without, the call must come from loopback and name it (a page that rebinds its own name to 127.0.0.1 does not). A browser that
 * acts for another site is refused either way.
 */
export function guardMutation(req: IncomingMessage, plan: Plan): void {
  const { origin, host = '', authorization } = req.headers;
  const site = req.headers['sec-fetch-site'];
  const foreign =
    (origin !== undefined && !/^https?:\/\//.test(origin)) ||
    (origin !== undefined && origin.replace(/^https?:\/\//, '') !== host);
  if (foreign || site === 'cross-site' || site === 'same-site')
    throw new FourlaneError('FORBIDDEN', 'refused: the request was made by a page of another site');
  const { web, listen } = plan;
  if (web.bearerToken !== undefined || web.username !== undefined) {
    if (!authenticated(authorization, web))
      throw new FourlaneError(
        'UNAUTHORIZED',
        'credentials are missing or wrong; send Authorization: Bearer or Basic as configured in web.authentication',
      );
    return;
  }
  if (!isLoopback(req.socket.remoteAddress)) {
    throw new FourlaneError(
      'FORBIDDEN',
      'accepted from this machine only; configure web.authentication to allow it from elsewhere',
    );
  }
  const name = hostName(host);
  if (name !== 'localhost' && name !== listen.host && !isLoopback(name)) {
    throw new FourlaneError(
      'FORBIDDEN',
      `refused: the Host header says "${host}", which is not this agent; use http://127.0.0.1:${listen.port}`,
    );
  }
}
