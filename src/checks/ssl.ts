/** ssl: https with SNI, optional verification, certificate expiry. node:tls runs on the lane's device-bound descriptor. */
import * as z from 'zod';
import { HttpExchange, hostText, httpPages, mostBytes } from './http-exchange.ts';
import { boundedMatching, httpParameters, pagesOf } from './http-parameters.ts';
import { type AsyncCheck, checkKind } from './kind.ts';
import { proxyHeader, proxyProtocol } from './proxy-protocol.ts';
import { StreamProbe } from './stream-probe.ts';
import { serverName, tlsParameters } from './tls-parameters.ts';

const schema = z.strictObject({
  ...httpParameters,
  ...tlsParameters('server name to send and verify; default: host, if it is a name'),
  proxyProtocol: proxyProtocol.optional(),
});

export const ssl = checkKind({
  name: 'ssl',
  needsPort: true,
  runs: () => true,
  parts: pagesOf,
  summary: 'HTTPS request, or several: as http, plus SNI, verification and certificate expiry (SSL_GET)',
  schema: schema.superRefine(boundedMatching),
  prepare(profile, address): AsyncCheck {
    const pages = httpPages(profile);
    const host = hostText(address);
    const header = profile.proxyProtocol && proxyHeader(profile.proxyProtocol);
    return {
      run: (context) => {
        const exchange = new HttpExchange(pages, host, true);
        const name = () => serverName(profile, exchange.page.host);
        const tls = { parameters: profile, name, ...(header === undefined ? {} : { header }) };
        return new StreamProbe({ tls, exchange, maxBytes: mostBytes(pages), context }).run();
      },
    };
  },
});
