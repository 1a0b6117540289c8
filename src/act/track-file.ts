/** trackFile: a small file whose number follows the state of a NIC or the load balancer, as keepalived's track_file reads it. */
import * as z from 'zod';
import { readIfExists, writeAtomic } from '../sys/files.ts';
import { actuator } from './actuator.ts';

/** Bytes of a file that may be one of ours. */
const LONGEST = 64;
/** keepalived reads a track_file value as a 32-bit integer. */
const value = z.int().min(-0x8000_0000).max(0x7fff_ffff);

/** What a file of our own holds. Whatever else is there does not count: it is replaced, and whoever owns it could change it. */
async function ownFile(path: string): Promise<string | undefined> {
  const expected = { owners: [process.geteuid!()], link: false };
  const bytes = await readIfExists(path, LONGEST, expected).catch(() => undefined);
  return bytes?.toString('latin1');
}

export const trackFile = actuator({
  name: 'trackFile',
  summary: 'writes a number to a file (keepalived track_file), one value per state',
  schema: z.strictObject({
    path: z
      .string()
      .regex(/^\/(?:.*[^/])$/, 'must be an absolute path of a file')
      .max(4096)
      .meta({ description: 'file to write, replaced in one step; its directory must exist', examples: ['/run/fourlane/eth2'] }),
    ok: value.default(0).describe('number written while the NIC, or the load balancer, is good'),
    failed: value.default(1).describe('number written while the NIC is judged failed, or the load balancer isolated'),
  }),
  scopes: ['nic'],
  idempotent: true,
  batch: false,
  concurrency: 32,
  identity: (spec) => spec.path,
  async perform(spec, [effect]) {
    const text = `${effect.state === 'failed' ? spec.failed : spec.ok}\n`;
    if ((await ownFile(spec.path)) === text) return 'unchanged';
    await writeAtomic(spec.path, text, { mode: 0o644 });
    return 'done';
  },
});
