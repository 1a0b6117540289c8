/** The key `cluster`: a name, or a name with the etcd that the cluster has. */
import * as z from 'zod';
import { DRIFT_POLICIES } from '../model/plan.ts';
import { duration } from '../model/schema.ts';
import { absolutePath, label } from './fields.ts';

const MOST_ENDPOINTS = 16;

const endpoint = z
  .string()
  .regex(
    /^https:\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[1-9][0-9]{0,4}$/,
    'must be https://ADDRESS:PORT, without a path: https://192.0.2.1:2379',
  );

const etcd = z
  .strictObject({
    endpoints: z
      .array(endpoint)
      .min(1)
      .max(MOST_ENDPOINTS)
      .meta({
        description: 'members of etcd, as clients reach them',
        examples: [['https://192.0.2.1:2379', 'https://192.0.2.2:2379', 'https://192.0.2.3:2379']],
      }),
    tls: z
      .strictObject({
        ca: absolutePath.describe("certificate of the authority that signed etcd's certificates (PEM)"),
        cert: absolutePath.describe('certificate by which etcd knows this server: its common name is the user (PEM)'),
        key: absolutePath.describe('its private key (PEM); all three are read again when they change'),
      })
      .describe('certificates for etcd'),
  })
  .describe('etcd of the cluster; default: none, and nothing of it is loaded');

/** Always as a mapping afterwards. */
export const cluster = z
  .union([
    label,
    z.strictObject({
      name: label.default('default').describe('name of the cluster'),
      etcd: etcd.optional(),
      trust: z
        .string()
        .regex(/^[A-Za-z0-9+/]{43}=$/, 'must be the 32 bytes of an Ed25519 public key in base64')
        .optional()
        .describe('public key (Ed25519, base64) by which releases must be signed; default: none need a signature'),
      prove: duration(100, 3_600_000).prefault('60s').describe('how long a release must run before the agent starts with it'),
      drift: z
        .strictObject({
          configuration: z
            .enum(DRIFT_POLICIES)
            .default('report')
            .describe('another release runs than the ring must run, since it was refused or failed; repair: it is tried again'),
          dataPlane: z
            .enum(DRIFT_POLICIES)
            .default('report')
            .describe('what was decided is not in place; repair: what failed or was refused is tried again, the rest looked at'),
        })
        .prefault({})
        .describe(
          'what is done about drift, once for each that is found and every 10 minutes at most; it is reported in any case',
        ),
      onBootWithoutEtcd: z
        .enum(['good', 'wait', 'out'])
        .default('good')
        .describe(
          'good: start at once with the last good release; wait: wait 60s for etcd before that; out: wait until etcd answers',
        ),
    }),
  ])
  .default('default')
  .transform((written) => (typeof written === 'string' ? { name: written } : written))
  .meta({ description: 'label on every series, or a mapping with the name and the etcd of the cluster', examples: ['edge-1'] });
