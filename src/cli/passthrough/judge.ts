/** What answers of a real server say of how it gets the address of the client. Pure. */
import type { CheckProfile, Passthrough } from '../../model/plan.ts';

/** P0: what the checks send. P1: what the listener takes. P2: what the real server believes. */
export type Level = 'P0' | 'P1' | 'P2';

export interface Verified {
  readonly level: Level;
  readonly ok: boolean;
  /** What was found. */
  readonly found: string;
}

/** An HTTP request as it ended: `answered` with any status but 400. */
export type Answer = 'answered' | 'bad_request' | 'closed' | 'unreachable';

/** What an echo of a client's address showed: that address, one of this machine, none at all, or another one. */
export type Echo = 'client' | 'own' | 'empty' | 'other' | 'refused';

/** The version of the header that real servers get; undefined: none. */
export function headerVersion({ mode }: Passthrough): 'v1' | 'v2' | undefined {
  return mode === 'proxy-v1' ? 'v1' : mode === 'proxy-v2' ? 'v2' : undefined;
}

/** P0: whether a check sends what the real servers expect. `name`: how messages name it. */
export function judgeCheck(passthrough: Passthrough, check: CheckProfile): Verified {
  const sends = (check['proxyProtocol'] as { readonly version: string } | undefined)?.version;
  const wants = headerVersion(passthrough);
  const answers = check.type !== 'tcp' || check['send'] !== undefined || check['expect'] !== undefined;
  if (wants === undefined) {
    if (sends !== undefined) return { level: 'P0', ok: false, found: `its ${check.type} check sends a PROXY header, ${sends}` };
    return { level: 'P0', ok: true, found: `its ${check.type} check sends no header` };
  }
  if (sends === undefined && answers)
    return { level: 'P0', ok: false, found: `its ${check.type} check sends no PROXY header: write proxyProtocol: ${wants}` };
  if (!answers) return { level: 'P0', ok: true, found: 'its tcp check reads no answer, and sees no mismatch' };
  return { level: 'P0', ok: true, found: `its ${check.type} check sends a PROXY header, ${sends}` };
}

/** P1: `bare` is the answer to a request without a header; `headed` behind one, where the service has one. */
export function judgeListener(passthrough: Passthrough, bare: Answer, headed?: Answer): Verified {
  const verified = (ok: boolean, found: string): Verified => ({ level: 'P1', ok, found });
  if (bare === 'unreachable') return verified(false, 'it does not answer at all');
  if (headed === undefined) {
    if (bare === 'closed') return verified(false, 'it closes a request without a header: its listener expects a PROXY header');
    return verified(true, 'it answers a request without a header');
  }
  const version = headerVersion(passthrough);
  if (headed === 'bad_request') return verified(false, `it answers 400 to a PROXY header, ${version}: its listener expects none`);
  if (headed !== 'answered') return verified(false, `it closes a request behind a PROXY header, ${version}`);
  if (bare === 'answered') return verified(false, 'it answers without a header too: whoever reaches it directly is a client');
  return verified(true, `it takes a PROXY header, ${version}, and refuses a request without one`);
}

const ECHOES: Readonly<Record<Echo, string>> = {
  client: 'it takes the address in the header for that of the client',
  own: 'it takes this load balancer for the client: the address is lost (nginx: set_real_ip_from, real_ip_header)',
  empty: 'its echo is empty: the header is not evaluated',
  other: 'its echo is another address: a proxy or a NAT stands between',
  refused: 'its echo is not there: the path must answer 200 with the address of the client',
};

/** P2 */
export function judgeEcho(echo: Echo): Verified {
  return { level: 'P2', ok: echo === 'client', found: ECHOES[echo] };
}
