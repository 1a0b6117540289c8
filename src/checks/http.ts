/** http: one request on a fresh connection; status, body text, regular expression or MD5 of the body. */
import { z } from 'zod';
import type { Address } from '../model/plan.ts';
import { examine, HttpExchange, type HttpProfile, hostText, httpProfile } from './http-exchange.ts';
import { boundedMatching, httpParameters } from './http-parameters.ts';
import { checkKind, type SocketCheck } from './kind.ts';
import { proxyProtocol } from './tcp.ts';

export const http = checkKind({
  name: 'http',
  needsPort: true,
  summary: 'HTTP/1.1 request: status, body substring, regular expression or MD5',
  schema: z.strictObject({ ...httpParameters, proxyProtocol: proxyProtocol.optional() }).superRefine(boundedMatching),
  prepare(profile, address: Address): SocketCheck {
    const shared: HttpProfile = httpProfile(profile);
    const host = hostText(address);
    return { transport: 'stream', begin: () => new HttpExchange(shared, host) };
  },
  examine: (profile, rest) => examine(httpProfile(profile), rest),
});
