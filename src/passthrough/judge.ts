/** What answers of a real server say of how it gets the address of the client. Pure. */
import type { CheckProfile, Passthrough } from '../model/plan.ts';
import type { Cause, Level, Verified } from './findings.ts';

/** An HTTP request as it ended: `answered` with any status but 400. */
export type Answer = 'answered' | 'bad_request' | 'closed' | 'unreachable';

/** What an echo of a client's address showed: that address, one of this machine, none at all, or another one. */
export type Echo = 'client' | 'own' | 'empty' | 'other' | 'refused';

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
  empty: bad('P2', 'empty', 'its echo is empty: the header is not evaluated'),
  other: bad('P2', 'other', 'its echo is another address: a proxy or a NAT stands between'),
  refused: bad('P2', 'no_echo', 'its echo is not there: the path must answer 200 with the address of the client'),
};

/** P2 */
export function judgeEcho(echo: Echo): Verified {
  return ECHOES[echo];
}
