/** smtp: greeting, HELO and QUIT, as keepalived's SMTP_CHECK; with STARTTLS when asked for. */
import * as z from 'zod';
import { type AsyncCheck, checkKind, type SocketCheck } from './kind.ts';
import { StreamProbe } from './stream-probe.ts';
import { insideSteps, plainSteps, SmtpDialogue, startTlsSteps } from './smtp-dialogue.ts';
import { tlsParameters } from './tls-parameters.ts';

const schema = z.strictObject({
  helo: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without blanks')
    .max(255)
    .default('fourlane.invalid')
    .describe('name to say with HELO'),
  startTls: z.boolean().default(false).describe('ask for TLS (EHLO, STARTTLS) and go on inside of it'),
  ...tlsParameters('server name to send and verify; default: none'),
});
const consistent = schema.superRefine(({ startTls, sni, verify, ca }, ctx) => {
  if (startTls || (sni === undefined && !verify && ca === undefined)) return;
  const path = [sni !== undefined ? 'sni' : verify ? 'verify' : 'ca'];
  ctx.addIssue({ code: 'custom', path, message: 'is for TLS only; write startTls: true beside it, or remove it' });
});

export const smtp = checkKind({
  name: 'smtp',
  needsPort: true,
  runs: ({ startTls }) => startTls,
  summary: 'mail server: greeting 220, HELO 250, QUIT; optional STARTTLS (SMTP_CHECK)',
  schema: consistent,
  prepare(profile): SocketCheck | AsyncCheck {
    const { helo, startTls } = profile;
    if (!startTls) {
      const steps = plainSteps(helo);
      return { transport: 'stream', begin: () => new SmtpDialogue(steps) };
    }
    return {
      run: (context) =>
        new StreamProbe({
          tls: { parameters: profile, name: () => profile.sni || undefined },
          prelude: new SmtpDialogue(startTlsSteps(helo)),
          exchange: new SmtpDialogue(insideSteps(`EHLO ${helo}`)),
          maxBytes: 65_536,
          context,
        }).run(),
    };
  },
});
