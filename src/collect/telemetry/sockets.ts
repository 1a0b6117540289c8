/** Which DPDK processes a collector reads: the settings that collectors have in common, and the sockets that they choose. */
import * as z from 'zod';
import { matcher, patterns } from '../patterns.ts';
import { MAX_PREFIX, PREFIX } from './commands.ts';
import { type Discovery, discover, runtimeDirectories } from './discover.ts';

/** For a collector's schema. */
export const socketSettings = {
  directories: z
    .array(z.string().regex(/^\//, 'an absolute path is needed').max(4096))
    .max(32)
    .default([])
    .describe(
      'runtime directories of DPDK, each with a directory per process; none means /var/run/dpdk, $RUNTIME_DIRECTORY/dpdk ' +
        'and /run/user/UID/dpdk',
    ),
  sources: patterns().default(['*']).describe('file prefixes of the processes to read, as patterns with *'),
  commandPrefix: z
    .string()
    .max(MAX_PREFIX)
    .regex(PREFIX, 'a command of DPDK telemetry is needed, such as /tdlb')
    .default('/tdlb')
    .describe("what the names of the application's own commands begin with"),
};

/** Sockets that are read. */
const MOST_SOCKETS = 64;

export class Sockets {
  readonly directories: readonly string[];
  readonly #wanted: (source: string) => boolean;

  constructor({ directories, sources }: { readonly directories: readonly string[]; readonly sources: readonly string[] }) {
    this.directories = directories.length > 0 ? directories : runtimeDirectories(process.env, process.getuid?.() ?? 0);
    this.#wanted = matcher(sources);
  }

  /** Those that are there and wanted. */
  async find(): Promise<Discovery> {
    const { sockets, problems } = await discover(this.directories);
    return { sockets: sockets.filter((s) => this.#wanted(s.source)).slice(0, MOST_SOCKETS), problems };
  }

  /** All of them: another text when one comes, goes or is started again; undefined without any. */
  async run(): Promise<string | undefined> {
    const { sockets } = await this.find();
    return sockets.length === 0 ? undefined : sockets.map(({ path, run }) => `${path} ${run}`).join('\n');
  }
}
