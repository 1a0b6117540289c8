/** How fourlane.yaml writes a service that is made in kernel LVS. */
import * as z from 'zod';
import { isIPv4 } from 'node:net';
import { CHECKSUMS, LVS_FLAGS, TUNNELS } from '../../model/plan.ts';
import { duration } from '../../model/schema.ts';

/** 31 days, the longest persistence of the kernel. */
const LONGEST_MS = 31 * 86_400_000;
const MOST_CONNECTIONS = 0xffffffff;

const tunnel = z
  .strictObject({
    type: z.enum(TUNNELS).default('ipip').describe('encapsulation'),
    port: z.int().min(1).max(65_535).optional().describe('UDP port of gue'),
    checksum: z.enum(CHECKSUMS).optional().describe('checksum of gue and gre; default: nocsum'),
  })
  .refine(({ type, port }) => (type === 'gue') === (port !== undefined), 'gue needs a port, and the other types have none');

export const lvsSchema = z
  .strictObject({
    scheduler: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,14}$/, 'must be the name of a scheduler, such as wrr')
      .default('wlc')
      .describe('scheduler, as ipvsadm names it'),
    method: z.enum(['NAT', 'DR', 'TUN']).default('NAT').describe('how packets get to the real servers'),
    tunnel: tunnel.optional().describe('with TUN: how packets are encapsulated; default: ipip'),
    persistence: duration(1000, LONGEST_MS)
      .optional()
      .describe('how long the connections of a client go to the same real server; default: no persistence'),
    netmask: z
      .string()
      .refine((text) => isIPv4(text) || (/^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= 128), {
        message: 'must be a mask such as "255.255.255.0", or for IPv6 a length such as "64"',
      })
      .optional()
      .describe('with persistence: clients that count as one; default: each by itself'),
    flags: z.array(z.enum(LVS_FLAGS)).max(LVS_FLAGS.length).default([]).describe('flags: ops, and three of the scheduler'),
    upper: z
      .int()
      .min(0)
      .max(MOST_CONNECTIONS)
      .default(0)
      .describe('connections at which a real server gets no more; 0: any number'),
    lower: z
      .int()
      .min(0)
      .max(MOST_CONNECTIONS)
      .default(0)
      .describe('connections at which it gets some again; 0: three quarters of upper'),
    existing: z
      .enum(['leave', 'adopt'])
      .default('leave')
      .describe('entries of this service that fourlane has not made: leave them, or treat them as its own'),
  })
  .refine(({ method, tunnel: own }) => method === 'TUN' || own === undefined, { path: ['tunnel'], message: 'is for method TUN' })
  .refine(({ persistence, netmask }) => persistence !== undefined || netmask === undefined, {
    path: ['netmask'],
    message: 'is for a service with persistence',
  });
