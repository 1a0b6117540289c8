/** The config file: one source for validation, JSON Schema and documentation. */
import * as z from 'zod';
import { absolutePath, anchor, hostAddress, label, listen, nicName, realServerAddress, realServerFrom, vip } from './fields.ts';
import { bgpSchema, snatSchema } from './edge.ts';
import { cluster } from './cluster.ts';
import { PASSTHROUGH_MODES, PASSTHROUGH_WAYS } from '../model/plan.ts';
import { isPasswordHash } from '../model/password-hash.ts';
import { duration, httpHeaders, httpUrl } from '../model/schema.ts';
import { reportSchema } from './report.ts';
import { actuatorSpec, checkProfile, collectorBlocks } from './profiles.ts';

export const DEFAULT_WEIGHT = 100;

/** One entry of `nics`. */
export const nicSchema = z.strictObject({
  name: nicName.meta({ description: 'name of the NIC, normally that of its kernel interface', examples: ['eth2'] }),
  device: nicName.optional().describe('kernel interface the probes are bound to; default: the name'),
  group: label.optional().describe('fault group: NICs that fail together, like the members of a bond; default: own name'),
  anchors: z
    .array(anchor)
    .max(8)
    .default([])
    .describe('addresses on the link that must answer: gateway, top-of-rack switch, a peer'),
  dataplane: label.optional().describe('DPDK or DPVS port behind this interface'),
  source: hostAddress.optional(),
  onFail: z.array(actuatorSpec('nic')).max(16).default([]).describe('actions when this NIC is judged failed; undone on recovery'),
});

const MOST_CHECKS = 16;

const checkList = z
  .array(z.union([label, checkProfile]))
  .min(1)
  .max(MOST_CHECKS);

const realServer = z.union([
  realServerFrom((address) => ({ address, weight: DEFAULT_WEIGHT, rack: undefined, checks: undefined })),
  z.strictObject({
    address: realServerAddress,
    weight: z.int().min(0).max(65535).default(DEFAULT_WEIGHT).describe('configured weight'),
    rack: label.optional().describe('rack label, for telling a rack fault from many single ones'),
    checks: checkList.optional().describe('its own checks, instead of those of the service: names of profiles, or profiles'),
  }),
]);

/** Through a VIP nothing can be seen without an echo, and there is nothing to see when no address is passed on. */
function seenThrough(
  { mode, echo, through }: { mode: string; echo?: string | undefined; through: string[] },
  ctx: z.RefinementCtx,
) {
  if (!through.includes('vip')) return;
  if (mode === 'none') ctx.addIssue({ code: 'custom', path: ['through'], message: 'vip has nothing to see with mode none' });
  else if (echo === undefined) ctx.addIssue({ code: 'custom', path: ['through'], message: 'vip needs echo; write its path too' });
}

function sentDirectly(
  { mode, echo, through, option }: { mode: string; echo?: string | undefined; through: string[]; option?: object | undefined },
  ctx: z.RefinementCtx,
) {
  const issue = (message: string) => ctx.addIssue({ code: 'custom', path: ['option'], message });
  if (option === undefined) return;
  if (mode !== 'toa') issue(`is for mode toa, not for ${mode}`);
  else if (echo === undefined) issue('needs echo; write its path too');
  else if (!through.includes('direct')) issue('is sent to real servers; write direct in through');
}

/** One entry of `services`. */
export const serviceSchema = z
  .strictObject({
    name: label.optional().describe('name in metrics and messages; default: the vip'),
    vip,
    nics: z.array(nicName).min(1).optional().describe('NICs whose slice carries this service; default: all'),
    check: z
      .union([label, checkProfile])
      .optional()
      .meta({
        description: 'name of a check profile, or a profile written here; default: tcp',
        examples: ['web', { type: 'tcp' }],
      }),
    checks: checkList.optional().describe('several checks of each real server, instead of check: names of profiles, or profiles'),
    combine: z
      .enum(['all', 'any'])
      .optional()
      .describe('of several checks: all must be good, or any one is enough; default: all'),
    panic: z.number().min(0).max(1).default(0.5).describe('least fraction of its real servers kept enabled'),
    passthrough: z
      .strictObject({
        mode: z
          .enum(PASSTHROUGH_MODES)
          .describe('how real servers get the address of the client: toa: TCP option; proxy-v1, proxy-v2: PROXY protocol header'),
        echo: z
          .string()
          .regex(/^\/[\x21-\x7e]*$/, 'must begin with / and hold printable ASCII without blanks')
          .max(1024)
          .optional()
          .meta({
            description: 'path at which real servers answer with the address of the client',
            examples: ['/.fourlane/whoami'],
          }),
        through: z
          .array(z.enum(PASSTHROUGH_WAYS))
          .min(1)
          .default(['direct'])
          .describe('direct: ask real servers; vip: ask the VIP as a client, from a machine that does not have it'),
        option: z
          .strictObject({
            kind: z.int().min(28).max(254).default(254).describe('number of the TCP option: 254 in DPVS'),
            mark: z
              .int()
              .min(1)
              .max(0xffff_ffff)
              .optional()
              .describe('firewall mark (SO_MARK) of the connections that carry it; default: 8192 + kind'),
          })
          .optional()
          .meta({
            description:
              'send the option of toa to real servers with the address 192.0.2.77, and see whether they take it; needs ' +
              'Linux 5.10, cgroup v2, CAP_BPF and CAP_NET_ADMIN',
            examples: [{ kind: 254 }],
          }),
      })
      .superRefine(seenThrough)
      .superRefine(sentDirectly)
      .optional()
      .describe('how the address of the client is passed on: what fourlane passthrough verifies'),
    realServers: z.array(realServer).min(1).max(100_000).describe('real servers, as address or as mapping'),
    actuator: actuatorSpec('service')
      .prefault('none')
      .describe('who carries out what was decided for this service; none: observe only'),
  })
  .superRefine(({ check, checks, combine, passthrough, vip: of }, ctx) => {
    if (passthrough?.through.includes('vip') && !of.endsWith('/tcp'))
      ctx.addIssue({ code: 'custom', path: ['passthrough', 'through'], message: `vip is for TCP services, not for ${of}` });
    if (check !== undefined && checks !== undefined)
      ctx.addIssue({ code: 'custom', path: ['checks'], message: 'stands beside check; write one of the two' });
    if (combine !== undefined && checks === undefined)
      ctx.addIssue({ code: 'custom', path: ['combine'], message: 'is for several checks; write "checks" too, or remove it' });
  });

const keepalivedImport = z
  .strictObject({
    file: absolutePath.default('/etc/keepalived/keepalived.conf').describe('its configuration; what it includes is read too'),
    mode: z
      .enum(['shadow', 'manage'])
      .default('shadow')
      .describe(
        'shadow: decide and compare with keepalived, change nothing; manage: make the services in kernel LVS, set weights',
      ),
    existing: z
      .enum(['leave', 'adopt'])
      .default('leave')
      .describe(
        'with manage, entries of its services in kernel LVS that fourlane has not made: leave them, or treat them as its own',
      ),
    running: z
      .enum(['leave', 'overwrite'])
      .default('leave')
      .describe('with manage, while a keepalived with these services runs: leave them to it, or write all the same'),
    bfd: z
      .strictObject({
        path: absolutePath.optional().describe('file with a line for each session, such as "peer1 Up"'),
        maxAge: z.string().optional().describe('an older file says nothing; default: 10s'),
        command: z
          .array(z.string())
          .min(1)
          .optional()
          .meta({ description: 'instead: a program that prints these lines', private: true }),
      })
      .superRefine((source, ctx) => {
        const { error } = checkProfile.safeParse({ type: 'bfd', session: 'x', ...source });
        for (const { path, message } of error?.issues ?? []) ctx.addIssue({ code: 'custom', path: [...path], message });
      })
      .optional()
      .describe('where the states of the sessions of BFD_CHECK are read; default: these are left out'),
    fifo: absolutePath
      .optional()
      .describe('lvs_notify_fifo of the file, read by nobody else: with it shadow mode has times to the millisecond'),
    semantics: z
      .enum(['fourlane', 'keepalived'])
      .default('fourlane')
      .describe('whose times and states decide when a real server is down: docs/keepalived.md'),
    configId: label.optional().describe('what the conditions @ID of the file are compared with; default: every line counts'),
    nics: z.array(nicName).min(1).optional().describe('NICs whose slices carry the services; default: all'),
    panic: z.number().min(0).max(1).default(0.5).describe('least fraction of the real servers of a service kept enabled'),
    timing: z
      .strictObject({
        interval: z.string().optional().describe('time between two checks; default: 1s, of scripts the delay_loop'),
        timeout: z.string().optional().describe('longest time a check may take; default: the connect_timeout, at most 1s'),
        fall: z.int().min(1).max(10).optional().describe('consecutive bad results until a cell is failed; default: 3'),
        rise: z.int().min(1).max(10).optional().describe('consecutive good results until it is good again; default: 2'),
      })
      .superRefine((timing, ctx) => {
        const { error } = checkProfile.safeParse({ type: 'tcp', ...timing });
        for (const { path, message } of error?.issues ?? []) ctx.addIssue({ code: 'custom', path: [...path], message });
      })
      .optional()
      .describe('times of the imported checks'),
  })
  .superRefine(({ semantics, timing }, ctx) => {
    if (semantics === 'keepalived' && timing !== undefined)
      ctx.addIssue({
        code: 'custom',
        path: ['timing'],
        message: "is for semantics: fourlane; keepalived's times stand in its file",
      });
  })
  .describe('virtual servers of a keepalived.conf as services');

export type KeepalivedImport = z.output<typeof keepalivedImport>;

const authentication = z
  .strictObject({
    bearerToken: z
      .string()
      .regex(/^[\x21-\x7e]{16,512}$/, 'must be 16 to 512 printable ASCII characters without blanks')
      .optional()
      .meta({ description: 'token for Authorization: Bearer', secret: true }),
    basic: z
      .strictObject({
        username: label.describe('user name'),
        passwordHash: z
          .string()
          .refine(isPasswordHash, 'must be a scrypt hash (fourlane hash-password prints one) or a bcrypt hash (htpasswd -nB)')
          .optional()
          .meta({ description: 'scrypt or bcrypt hash of the password, as `fourlane hash-password` prints it', secret: true }),
        passwordSha256: z
          .string()
          .regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hex digits; better write passwordHash, as fourlane hash-password prints it')
          .optional()
          .meta({ description: 'SHA-256 of the password, in hex: unsalted, quickly guessed; use `passwordHash`', secret: true }),
      })
      .refine(
        (basic) => (basic.passwordHash === undefined) !== (basic.passwordSha256 === undefined),
        'needs exactly one of "passwordHash" and "passwordSha256"',
      )
      .optional()
      .describe('HTTP Basic'),
  })
  .refine((a) => (a.bearerToken === undefined) !== (a.basic === undefined), 'needs exactly one of "bearerToken" and "basic"');

/** sun_path without its NUL. */
const MOST_SOCKET_PATH = 107;
const DEFAULT_EXPORT_TIMEOUT_MS = 10_000;

const opentelemetry = z
  .strictObject({
    endpoint: httpUrl.meta({
      description: 'base URL of the collector; /v1/traces and /v1/metrics are added',
      examples: ['http://127.0.0.1:4318'],
    }),
    headers: httpHeaders.describe('extra request headers, such as authorization'),
    interval: duration(1000, 3_600_000).prefault('60s').describe('time between two pushes of the metrics'),
    timeout: duration(100, 60_000)
      .optional()
      .describe('longest time one push may take, at most the interval; default: 10s, or the interval when that is shorter'),
    compression: z.enum(['gzip', 'none']).default('gzip').describe('of request bodies'),
    metrics: z.boolean().default(true).describe('push what /metrics shows'),
    traces: z.boolean().default(true).describe('push spans: config apply, verdict and its actions, collector readings'),
  })
  .transform((parsed, ctx) => {
    const { interval, timeout = Math.min(DEFAULT_EXPORT_TIMEOUT_MS, interval) } = parsed;
    if (timeout > interval) {
      const message = `${timeout}ms is longer than the interval of ${interval}ms; lower the timeout or raise the interval`;
      ctx.addIssue({ code: 'custom', path: ['timeout'], message });
    }
    return { ...parsed, timeout };
  });

export const configSchema = z.strictObject({
  cluster,
  server: label
    .optional()
    .meta({ description: 'name of this load balancer, label on every series; default: hostname', examples: ['lb-01'] }),
  listen: listen.prefault('127.0.0.1:9844'),
  control: z
    .union([absolutePath.max(MOST_SOCKET_PATH), z.literal(false)])
    .default('/run/fourlane/control')
    .describe('unix socket for commands and changes, which only root and the agent may connect to; `false`: none'),
  stateDir: absolutePath.default('/var/lib/fourlane').describe('directory for what must survive a restart'),
  nics: z.array(nicSchema).min(1).max(64).describe('interfaces to probe through'),
  onIsolated: z
    .array(actuatorSpec('nic', 'onIsolated'))
    .max(16)
    .default([])
    .describe('actions while this load balancer, and not its real servers, is cut off; undone on recovery'),
  checks: z.record(label, checkProfile).default({}).describe('named check profiles'),
  services: z.array(serviceSchema).max(20_000).default([]).describe('virtual services and their real servers'),
  rules: z.record(z.string(), z.number()).default({}).describe('judge thresholds that differ from their defaults, by name'),
  evidence: z
    .strictObject({ log: absolutePath.optional().describe('file to record every probe result in, for fourlane replay') })
    .default({})
    .describe('recording of evidence'),
  opentelemetry: opentelemetry
    .optional()
    .describe('push of traces and metrics to an OpenTelemetry collector (OTLP over HTTP, JSON); default: off'),
  report: reportSchema.optional().describe('regular report of what shadow mode has seen; default: none'),
  web: z
    .strictObject({
      authentication: authentication
        .optional()
        .meta({ description: 'who may make changes over HTTP; default: nobody, only the control socket', secret: true }),
    })
    .default({})
    .describe('HTTP server'),
  collectors: collectorBlocks,
  snat: snatSchema.optional().describe('addresses towards real servers, one for each core of each server; default: none planned'),
  bgp: bgpSchema.optional().describe('BGP sessions of this server and what it announces; default: nothing is expected'),
  import: z
    .strictObject({ keepalived: keepalivedImport.optional() })
    .default({})
    .describe('services taken over from another configuration'),
});

export type Config = z.output<typeof configSchema>;
export type NicConfig = Config['nics'][number];
export type ServiceConfig = Config['services'][number];
