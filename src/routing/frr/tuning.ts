/** How bgpd and its neighbours are set up: from `show bgp vrf all neighbors json` and `show running-config`. */
import * as z from 'zod';
import { Refused } from '../speaker.ts';
import type { ChannelTuning, DaemonTuning, SessionTuning } from '../tuning.ts';
import { familyNamed } from './decode.ts';
import { SUCCESS, Vty } from './vty.ts';

const NEIGHBORS = 'show bgp vrf all neighbors json';
const CONFIGURATION = 'show running-config';
/** Unless `bgp route-map delay-timer` says otherwise: s. */
const DEFAULT_DELAY = 5;

const ms = z.number().min(0);
const family = z.looseObject({
  outboundPathPolicyConfig: z.boolean().default(false),
  outboundEbgpRequiresPolicy: z.string().optional(),
});
const neighbor = z.looseObject({
  connectRetryTimer: z.number().min(0).optional(),
  bgpTimerHoldTimeMsecs: ms.optional(),
  bgpTimerConfiguredHoldTimeMsecs: ms.optional(),
  peerBfdInfo: z.unknown().optional(),
  gracefulRestartInfo: z.looseObject({ localGrMode: z.string().default('') }).optional(),
  addressFamilyInfo: z.record(z.string(), z.unknown()).default({}),
});
const answer = z.record(z.string(), z.record(z.string(), z.unknown()));

/** undefined: there is no socket. Rejects when bgpd does not answer as it should. */
export async function readFrrTuning(directory: string, signal: AbortSignal): Promise<DaemonTuning | undefined> {
  const vty = new Vty(`${directory}/bgpd.vty`, 'bgpd', { enable: true });
  const ask = async (command: string) => {
    const { status, text } = await vty.ask(command, signal);
    if (status !== SUCCESS) throw new Refused(vty.path, command, text);
    return text;
  };
  try {
    if ((await vty.run()) === undefined) return undefined;
    return { daemon: 'bgpd', path: vty.path, ...decodeFrrTuning(await ask(NEIGHBORS), await ask(CONFIGURATION)) };
  } finally {
    vty.close();
  }
}

/** Pure part of it. @throws ZodError or SyntaxError when it is not as FRR writes it */
export function decodeFrrTuning(neighbors: string, running: string): Pick<DaemonTuning, 'sessions' | 'filterDelay'> {
  const delay = /^\s*bgp route-map delay-timer (\d+)$/m.exec(running)?.[1];
  const vrfs = Object.entries(answer.parse(JSON.parse(neighbors === '' ? '{}' : neighbors)));
  const sessions = vrfs.flatMap(([vrf, peers]) =>
    Object.entries(peers).flatMap(([peer, value]) => {
      const { success, data } = neighbor.safeParse(value);
      return success ? [sessionOf(vrf, peer, data)] : [];
    }),
  );
  return { sessions, filterDelay: delay === undefined ? DEFAULT_DELAY : Number(delay) };
}

function sessionOf(vrf: string, peer: string, shown: z.output<typeof neighbor>): SessionTuning {
  const hold = shown.bgpTimerHoldTimeMsecs ?? shown.bgpTimerConfiguredHoldTimeMsecs;
  return {
    vrf,
    peer,
    ...(shown.connectRetryTimer === undefined ? {} : { connectRetry: shown.connectRetryTimer }),
    ...(hold === undefined ? {} : { hold: hold / 1000 }),
    bfd: shown.peerBfdInfo !== undefined,
    gracefulRestart: shown.gracefulRestartInfo?.localGrMode.startsWith('Restart') === true,
    channels: Object.entries(shown.addressFamilyInfo).flatMap(([name, value]): ChannelTuning[] => {
      const known = familyNamed(name);
      const { success, data } = family.safeParse(value);
      if (known === undefined || !success) return [];
      const otherwise = data.outboundEbgpRequiresPolicy === undefined ? 'everything' : 'nothing';
      return [{ family: known, outbound: data.outboundPathPolicyConfig ? 'filtered' : otherwise }];
    }),
  };
}
