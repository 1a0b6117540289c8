/** dns: one question over UDP or TCP; an answer without error is good, as for keepalived's DNS_CHECK. */
import * as z from 'zod';
import { DnsQuestion, LONGEST_NAME, QUERY_TYPES, type QueryType, questionOf } from './dns-question.ts';
import { checkKind, type SocketCheck } from './kind.ts';

const typeNames = Object.keys(QUERY_TYPES) as [QueryType, ...QueryType[]];

const schema = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(LONGEST_NAME)
    .regex(
      /^(?:\.|(?:[\x21-\x2d\x2f-\x7e]{1,63}\.)*[\x21-\x2d\x2f-\x7e]{1,63}\.?)$/,
      'is not a domain name: labels of 1 to 63 characters',
    )
    .default('.')
    .describe('name to ask for'),
  query: z.enum(typeNames).default('SOA').describe('type of record to ask for'),
  transport: z.enum(['udp', 'tcp']).default('udp').describe('what carries the question'),
});

export const dns = checkKind({
  name: 'dns',
  needsPort: true,
  summary: 'DNS question over UDP or TCP; any answer without error is good (DNS_CHECK)',
  schema,
  prepare({ name, query, transport }): SocketCheck {
    const question = questionOf(name, QUERY_TYPES[query]);
    const stream = transport === 'tcp';
    return { transport: stream ? 'stream' : 'datagram', begin: () => new DnsQuestion(question, stream) };
  },
});
