/** webhook: one POST with a JSON array of changes; also repeated as a whole after start and reload, marked as such. */
import * as z from 'zod';
import { duration, httpHeaders, httpUrl } from '../model/schema.ts';
import { postJson } from '../sys/post.ts';
import { actuator, type Effect } from './actuator.ts';

/** The body sent; documented in docs/actuators.md. `reannounce`: these states were wanted already, nothing need have changed. */
export function webhookBody(effects: readonly [Effect, ...Effect[]], reannounce: boolean) {
  const { cluster, server } = effects[0];
  return {
    version: 1,
    cluster,
    server,
    reannounce,
    effects: effects.map(({ kind, state, service, vip, nic, realServer, weight, verdict, cause, reason }) => ({
      kind,
      state,
      service,
      vip,
      nic,
      realServer,
      weight,
      verdict,
      cause,
      reason,
    })),
  };
}

export const webhook = actuator({
  name: 'webhook',
  summary: 'POSTs changes as JSON, several in one request when they happen together',
  schema: z.strictObject({
    url: httpUrl.meta({ description: 'where to POST', examples: ['http://192.0.2.80:8080/fourlane'] }),
    headers: httpHeaders.describe('extra request headers, such as authorization'),
    timeout: duration(10, 300_000).prefault('5s').describe('for the whole exchange; any answer but 2xx in it counts as failed'),
  }),
  scopes: ['nic', 'service'],
  idempotent: true,
  batch: true,
  concurrency: 8,
  identity: (spec) => JSON.stringify([spec.url, spec.headers]),
  async perform(spec, effects, { announce }) {
    await postJson(spec.url, webhookBody(effects, announce), { headers: spec.headers, timeoutMs: spec.timeout });
    return 'done';
  },
});
