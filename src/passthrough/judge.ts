/** What answers of a real server say of how it gets the address of the client. Pure. */
import type { CheckProfile, Passthrough } from '../model/plan.ts';
import type { Cause, Level, Verified } from './findings.ts';

/** An HTTP request as it ended: `answered` with any status but 400. */
export type Answer = 'answered' | 'bad_request' | 'closed' | 'unreachable';

/** What an echo of a client's address showed: that address, one of this machine, none at all, or another one. */
export type Echo = 'client' | 'own' | 'empty' | 'other' | 'refused' | 'unreachable';

const good = (level: Level, found: string): Verified => ({ level, found });
const bad = (level: Level, cause: Cause, found: string): Verified => ({ level, cause, found });

/** The version of the header that real servers get; undefined: none. */
export function headerVersion({ mode }: Pick<Passthrough, 'mode'>): 'v1' | 'v2' | undefined {
  return mode === 'proxy-v1' ? 'v1' : mode === 'proxy-v2' ? 'v2' : undefined;
}

/** P0: whether a check sends what the real servers expect. */
export function judgeCheck(passthrough: Passthrough, check: CheckProfile): Verified {
  const sends = (check['proxyProtocol'] as { readonly version: string } | undefined)?.version;
  const wants = headerVersion(passthrough);
  const answers = check.type !== 'tcp' || check['send'] !== undefined || check['expect'] !== undefined;
  if (wants === undefined) {
    if (sends !== undefined) return bad('P0', 'check', `its ${check.type} check sends a PROXY header, ${sends}`);
    return good('P0', `its ${check.type} check sends no header`);
  }
  if (sends === undefined && answers)
    return bad('P0', 'check', `its ${check.type} check sends no PROXY header: write proxyProtocol: ${wants}`);
  if (!answers) return good('P0', 'its tcp check reads no answer, and sees no mismatch');
  return good('P0', `its ${check.type} check sends a PROXY header, ${sends}`);
}

/**
 * P0: whether DPVS writes the header that the service declares.
 * @param proxyProtocol as DPVS has it: version in the low half, 0x10 = a header of the client is kept; 0 = none
 */
export function judgeDataPlane({ mode }: Pick<Passthrough, 'mode'>, proxyProtocol: number): Verified {
  const writes = proxyProtocol & 0xf;
  const wants = Number(headerVersion({ mode })?.slice(1) ?? 0);
  const has = writes === 0 ? 'writes no PROXY header' : `writes a PROXY header, v${writes}`;
  if (writes !== wants) return bad('P0', 'data_plane', `DPVS ${has}, and ${mode} is declared`);
  if ((proxyProtocol & INSECURE) !== 0) return bad('P0', 'insecure', 'DPVS keeps a PROXY header that the client sent: insecure');
  return good('P0', `DPVS ${has}`);
}

const INSECURE = 0x10;

/** P1: `bare` is the answer to a request without a header; `headed` behind one, where the service has one. */
export function judgeListener(passthrough: Passthrough, bare: Answer, headed?: Answer): Verified {
  if (bare === 'unreachable') return bad('P1', 'unreachable', 'it does not answer at all');
  if (headed === undefined) {
    if (bare === 'closed')
      return bad('P1', 'header_expected', 'it closes a request without a header: its listener expects a PROXY header');
    return good('P1', 'it answers a request without a header');
  }
  const version = headerVersion(passthrough);
  if (headed === 'bad_request')
    return bad('P1', 'header_refused', `it answers 400 to a PROXY header, ${version}: its listener expects none`);
  if (headed === 'unreachable') return bad('P1', 'unreachable', `it does not answer behind a PROXY header, ${version}`);
  if (headed === 'closed') return bad('P1', 'header_closed', `it closes a request behind a PROXY header, ${version}`);
  if (bare === 'answered') return bad('P1', 'open', 'it answers without a header too: whoever reaches it directly is a client');
  return good('P1', `it takes a PROXY header, ${version}, and refuses a request without one`);
}

const ECHOES: Readonly<Record<Echo, Verified>> = {
  client: good('P2', 'it takes the address in the header for that of the client'),
  own: bad(
    'P2',
    'load_balancer',
    'it takes this load balancer for the client: the address is lost (nginx: set_real_ip_from, real_ip_header)',
  ),
  empty: bad('P2', 'empty', 'its echo is empty: the address is not evaluated'),
  other: bad('P2', 'other', 'its echo is another address: a proxy or a NAT stands between'),
  unreachable: bad('P2', 'unreachable', 'its echo does not answer'),
  refused: bad('P2', 'no_echo', 'its echo is not there: the path must answer 200 with the address of the client'),
};

/** P5: what the echo showed of a connection that carried the option. */
export function judgeOption(echo: Echo, kind: number): Verified {
  if (echo === 'client') return good('P5', `it takes the address in option ${kind} for that of the client`);
  if (echo !== 'own') return { ...ECHOES[echo], level: 'P5' };
  return bad(
    'P5',
    'load_balancer',
    `it takes this load balancer for the client of a connection with option ${kind}: the address is lost ` +
      '(module toa not loaded, or for another kind)',
  );
}

/** P5 when the option can't be sent: it says nothing of the real server. */
export function judgeUnsent(missing: string): Verified {
  return bad('P5', 'not_sent', `the option could not be sent: ${missing}`);
}

/** P2 */
export function judgeEcho(echo: Echo): Verified {
  return ECHOES[echo];
}
