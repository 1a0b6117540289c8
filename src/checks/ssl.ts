/** ssl: https with SNI, optional verification, certificate expiry. node:tls runs on the lane's device-bound descriptor. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { examine, HttpExchange, hostText, httpProfile } from './http-exchange.ts';
import { boundedMatching, httpParameters } from './http-parameters.ts';
import { type AsyncCheck, checkKind } from './kind.ts';
import { SecureProbe } from './secure-probe.ts';
import { tlsParameters } from './tls-parameters.ts';

const schema = z.strictObject({
  ...httpParameters,
  ...tlsParameters('server name to send and verify; default: host, if it is a name'),
});

export const ssl = checkKind({
  name: 'ssl',
  needsPort: true,
  runs: () => true,
  summary: 'HTTPS request: as http, plus SNI, verification and certificate expiry',
  schema: schema.superRefine(boundedMatching),
  prepare(profile, address): AsyncCheck {
    const { sni, host } = profile;
    const serverName = sni ?? (host !== undefined && isIP(host) === 0 ? host.replace(/:\d+$/, '') : undefined);
    const shared = httpProfile(profile);
    const hostHeader = hostText(address);
    return {
      run: (context) =>
        new SecureProbe({
          tls: profile,
          serverName,
          exchange: new HttpExchange(shared, hostHeader),
          // What is not body, chunk sizes and TLS itself, is not more than that.
          maxBytes: 2 * shared.maxBody,
          examine: (rest) => examine(shared, rest),
          context,
        }).run(),
    };
  },
});
