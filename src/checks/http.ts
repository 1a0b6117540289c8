/** http: one request on a fresh connection; status, body text, regular expression or MD5 of the body. */
import * as z from 'zod';
import type { Address } from '../model/plan.ts';
import { examine, HttpExchange, hostText, httpPages, mostBytes } from './http-exchange.ts';
import { boundedMatching, type HttpParameters, httpParameters, pagesOf } from './http-parameters.ts';
import { type AsyncCheck, checkKind, type SocketCheck } from './kind.ts';
import { proxyProtocol } from './proxy-protocol.ts';
import { StreamProbe } from './stream-probe.ts';

/**
 * A body that takes long to match is left to the helper at the end of a probe: one that has to go on after it runs there from the
 * start.
 */
function runs(profile: HttpParameters): boolean {
  return profile.urls !== undefined && pagesOf(profile).some(({ matches }) => matches !== undefined);
}

export const http = checkKind({
  name: 'http',
  needsPort: true,
  summary: 'HTTP request, or several: status, body substring, regular expression or MD5 (HTTP_GET)',
  schema: z.strictObject({ ...httpParameters, proxyProtocol: proxyProtocol.optional() }).superRefine(boundedMatching),
  runs,
  parts: pagesOf,
  prepare(profile, address: Address): SocketCheck | AsyncCheck {
    const pages = httpPages(profile, profile.proxyProtocol);
    const host = hostText(address);
    if (!runs(profile)) return { transport: 'stream', begin: () => new HttpExchange(pages, host) };
    return {
      run: (context) => {
        const exchange = new HttpExchange(pages, host, true);
        return new StreamProbe({ exchange, maxBytes: mostBytes(pages), context }).run();
      },
    };
  },
  examine: (profile, rest) => examine(httpPages(profile, profile.proxyProtocol)[0]!, rest),
});
