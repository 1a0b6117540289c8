/**
 * dpvs: real servers in and out of service through dpvs-agent, as DPVS's own health checker does it (weight 0 and `inhibited`),
 * but as its owner last wanted it when they come back. One request at a time: DPVS serves one control connection at a time.
 */
import * as z from 'zod';
import { duration, httpHeaders, httpUrl } from '../model/schema.ts';
import { actuator, type Effect, type Outcome } from './actuator.ts';
import { AgentError, type AgentSpec, DpvsAgent } from './dpvs/client.ts';
import { type Asked, applyService, type ServiceLook } from './dpvs/apply.ts';
import { noted, readNote } from './dpvs/decide.ts';

/** `http://host:port` without a path, or `unix:/path`. */
function isAgentUrl(text: string): boolean {
  if (text.startsWith('unix:')) return /^unix:\/.*[^/]$/.test(text);
  if (!httpUrl.safeParse(text).success) return false;
  const { pathname, search, hash } = new URL(text);
  return pathname === '/' && search === '' && hash === '';
}

export const dpvs = actuator({
  name: 'dpvs',
  summary: 'takes real servers of DPVS out of service and back, through dpvs-agent',
  schema: z.strictObject({
    url: z
      .string()
      .max(4096)
      .refine(isAgentUrl, "is not dpvs-agent's address: write http://HOST:PORT without a path, or unix:/PATH")
      .meta({
        description: 'where dpvs-agent listens; its port is random unless it is started with --port',
        examples: ['http://127.0.0.1:53225', 'unix:/run/dpvs-agent.sock'],
      }),
    headers: httpHeaders.describe('extra request headers, such as authorization for a proxy: dpvs-agent itself has none'),
    timeout: duration(10, 300_000).prefault('5s').describe('for one request; a change of one service takes four'),
    recheck: duration(1000, 3_600_000)
      .prefault('30s')
      .describe('how often real servers out of service are looked at again, to find what others have changed'),
  }),
  scopes: ['service'],
  kinds: ['realServer'],
  idempotent: true,
  batch: true,
  collector: 'dpvs',
  concurrency: 4,
  // One, so that what is noted of a real server outlives a change of the agent's address.
  identity: () => '',
  recheck: (spec) => spec.recheck,
  async perform(_, effects, { notes, look }) {
    const asked = effects.map((effect, i): Asked => ({ effect, note: readNote(notes[i]!) }));
    const outcomes = new Map<Effect, Outcome>();
    const broken = new Map<string, AgentError>();
    for (const ofService of Map.groupBy(asked, ({ effect }) => `${specOf(effect).url} ${effect.vip}`).values()) {
      const { effect: first } = ofService[0]!;
      const ends = await attempt(specOf(first), { vip: first.vip ?? '', look }, ofService, broken);
      ofService.forEach(({ effect }, i) => outcomes.set(effect, ends[i]!));
    }
    return effects.map((effect) => outcomes.get(effect)!);
  },
});

/** An effect's parameters: a plan only holds those that passed the schema. */
function specOf({ spec }: Effect): AgentSpec {
  return spec as unknown as AgentSpec;
}

/** @param broken agents that can't be used now, by URL: asking them for each service would hold up the others */
async function attempt(
  spec: AgentSpec,
  service: ServiceLook,
  asked: readonly Asked[],
  broken: Map<string, AgentError>,
): Promise<readonly Outcome[]> {
  try {
    const known = broken.get(spec.url);
    if (known) throw known;
    return await applyService(new DpvsAgent(spec), service, asked);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    if (error.reach !== 'service') broken.set(spec.url, error);
    return asked.map((one) => notDone(one, error));
  }
}

function notDone({ effect, note }: Asked, { message, reach }: AgentError): Outcome {
  // What has never been touched is at rest without anybody's help.
  if (effect.state === 'enabled' && effect.weight === effect.configured && note.by === 'nobody') return { result: 'unchanged' };
  return { result: reach === 'unsupported' ? 'unsupported' : 'failed', message, note: noted(note) };
}
