/** Who may read and who may change something over HTTP; see docs/http.md. */
import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { BlockList, isIP } from 'node:net';
import { FourlaneError } from '../model/errors.ts';
import type { Plan } from '../model/plan.ts';
import { areConfigured, authenticated } from './credentials.ts';
import type { Guesses } from './guesses.ts';

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

/**
 * Throws FourlaneError FORBIDDEN when a request to a loopback address names another host: a page that rebinds its own name to
 * 127.0.0.1 makes a browser on this machine read what is not for it. A request without Host is no browser's.
 * @param own names of this agent besides those of the machine
 */
export function guardRead(req: IncomingMessage, own: readonly string[]): void {
  const { host } = req.headers;
  if (host === undefined || !isLoopback(req.socket.localAddress)) return;
  const name = hostName(host);
  if (name === 'localhost' || isLoopback(name) || name === hostname().toLowerCase() || own.includes(name)) return;
  throw new FourlaneError('FORBIDDEN', `refused: the Host header says "${host}", which is not this agent; use http://127.0.0.1`);
}

/**
 * Rejects with FourlaneError UNAUTHORIZED, RATE_LIMITED or FORBIDDEN unless a request over TCP may change something: it needs
 * the configured credentials. Where it comes from counts for nothing, since every user and every proxy of this machine comes from
 * loopback. A browser that acts for another site is refused in any case.
 */
export async function guardMutation(req: IncomingMessage, { web }: Pick<Plan, 'web'>, guesses: Guesses): Promise<void> {
  const { origin, host = '', authorization } = req.headers;
  const site = req.headers['sec-fetch-site'];
  const foreign =
    (origin !== undefined && !/^https?:\/\//.test(origin)) ||
    (origin !== undefined && origin.replace(/^https?:\/\//, '') !== host);
  if (foreign || site === 'cross-site' || site === 'same-site')
    throw new FourlaneError('FORBIDDEN', 'refused: the request was made by a page of another site');
  if (!areConfigured(web))
    throw new FourlaneError(
      'FORBIDDEN',
      'changes are accepted on the control socket only (fourlane reload, or SIGHUP); web.authentication allows them over HTTP',
    );
  const address = req.socket.remoteAddress ?? '';
  const wait = guesses.wait(address);
  if (wait > 0)
    throw new FourlaneError(
      'RATE_LIMITED',
      `too many wrong credentials from ${address}; try again in ${Math.ceil(wait / 1000)} s`,
    );
  if (await authenticated(authorization, web)) return;
  if (authorization !== undefined) guesses.wrong(address);
  throw new FourlaneError(
    'UNAUTHORIZED',
    'credentials are missing or wrong; send Authorization: Bearer or Basic as configured in web.authentication',
  );
}
