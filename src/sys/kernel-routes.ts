/** Routes of the main table to one prefix, read and changed by ip(8), which must be installed. */
import * as z from 'zod';
import { runCommand } from './child.ts';

const TYPES = ['unicast', 'blackhole', 'unreachable', 'prohibit'] as const;

/** A route that can be taken away and put back as it was. */
export const kernelRoute = z.object({
  prefix: z.string(),
  type: z.enum(TYPES),
  device: z.string().exactOptional(),
  gateway: z.string().exactOptional(),
  /** Number or name, as ip(8) writes it: `201`, `static`. */
  protocol: z.string(),
  metric: z.int().exactOptional(),
});
export type KernelRoute = Readonly<z.output<typeof kernelRoute>>;

/** Of `ip -j -d route`; what else a route has can't be put back. */
const line = z.strictObject({
  type: z.string().default('unicast'),
  dst: z.string(),
  dev: z.string().exactOptional(),
  gateway: z.string().exactOptional(),
  protocol: z.string(),
  metric: z.int().exactOptional(),
  scope: z.string().optional(),
  pref: z.string().optional(),
  flags: z.array(z.string()).optional(),
  error: z.unknown().optional(),
});

const ENV = { PATH: '/usr/sbin:/sbin:/usr/bin:/bin', LC_ALL: 'C' };
const LIMIT_MS = 5000;
const MOST_OUTPUT = 1 << 20;

const familyOf = (prefix: string) => (prefix.includes(':') ? '-6' : '-4');

async function ip(argv: readonly string[], signal: AbortSignal): Promise<{ readonly status: number; readonly output: string }> {
  const done = await runCommand(['ip', ...argv], { env: ENV, timeoutMs: LIMIT_MS, maxOutput: MOST_OUTPUT, signal });
  if (done.ended === 'exit') return { status: done.exitCode, output: done.output };
  throw new Error(
    done.ended === 'spawn' ? 'the program ip is not installed: install iproute2' : `ip ${argv.join(' ')} ${done.summary}`,
  );
}

/** Routes to exactly this prefix. Rejects when one of them could not be put back as it is, such as one with several next hops. */
export async function routesTo(prefix: string, signal: AbortSignal): Promise<readonly KernelRoute[]> {
  const argv = ['-j', '-d', familyOf(prefix), 'route', 'show', 'exact', prefix, 'table', 'main'];
  const { status, output } = await ip(argv, signal);
  if (status !== 0) throw new Error(`ip ${argv.join(' ')}: ${output.trim().slice(0, 200)}`);
  return parseRoutes(prefix, output);
}

/** Pure. @throws Error when a route has more than can be put back */
export function parseRoutes(prefix: string, output: string): readonly KernelRoute[] {
  const list: unknown = output.trim() === '' ? [] : JSON.parse(output);
  return z
    .array(z.unknown())
    .parse(list)
    .map((each): KernelRoute => {
      const { success, data } = line.safeParse(each);
      const type = TYPES.find((one) => one === data?.type);
      if (!success || type === undefined)
        throw new Error(`a route to ${prefix} is of a kind that fourlane does not put back: ${JSON.stringify(each)}`);
      const { dev, gateway, protocol, metric } = data;
      return {
        prefix,
        type,
        // Routes that discard are shown with a device in IPv6 only, and it means nothing.
        ...(dev === undefined || type !== 'unicast' ? {} : { device: dev }),
        ...(gateway === undefined ? {} : { gateway }),
        protocol,
        ...(metric === undefined ? {} : { metric }),
      };
    });
}

/** Words of ip(8) for the route. Pure. */
export function routeWords({ prefix, type, device, gateway, protocol, metric }: KernelRoute): readonly string[] {
  return [
    ...(type === 'unicast' ? [] : [type]),
    prefix,
    ...(gateway === undefined ? [] : ['via', gateway]),
    ...(device === undefined ? [] : ['dev', device]),
    'proto',
    protocol,
    ...(metric === undefined ? [] : ['metric', String(metric)]),
  ];
}

async function change(what: 'del' | 'replace', route: KernelRoute, signal: AbortSignal): Promise<void> {
  const argv = [familyOf(route.prefix), 'route', what, ...routeWords(route)];
  const { status, output } = await ip(argv, signal);
  // What is gone already is gone.
  if (status !== 0 && !(what === 'del' && /No such process/.test(output)))
    throw new Error(`ip ${argv.join(' ')}: ${output.trim().slice(0, 200)}`);
}

export const removeRoute = (route: KernelRoute, signal: AbortSignal) => change('del', route, signal);
export const putRoute = (route: KernelRoute, signal: AbortSignal) => change('replace', route, signal);
