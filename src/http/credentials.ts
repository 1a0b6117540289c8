/** Credentials of `web.authentication`: what a request shows, compared in a time that does not depend on where it differs. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Plan } from '../model/plan.ts';
import { verifyPassword } from '../sys/password.ts';

export type Credentials = Plan['web'];

/** Whether any are configured. */
export function areConfigured(web: Credentials): boolean {
  return web.bearerToken !== undefined || web.username !== undefined;
}

function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Whether an `Authorization` header shows them. */
export async function authenticated(header: string | undefined, web: Credentials): Promise<boolean> {
  const [scheme = '', shown = ''] = (header ?? '').split(/ +/, 2);
  if (scheme.toLowerCase() === 'bearer') return web.bearerToken !== undefined && same(shown, web.bearerToken);
  const hash = web.passwordHash ?? (web.passwordSha256 === undefined ? undefined : `sha256:${web.passwordSha256.toLowerCase()}`);
  if (scheme.toLowerCase() !== 'basic' || web.username === undefined || hash === undefined) return false;
  const text = Buffer.from(shown, 'base64').toString();
  const colon = text.indexOf(':');
  // Both are always compared: the time must not tell a right user name from a wrong one.
  const user = same(text.slice(0, Math.max(colon, 0)), web.username);
  const secret = await verifyPassword(text.slice(colon + 1), hash);
  return user && secret;
}
