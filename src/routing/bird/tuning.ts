/** How BIRD and its sessions are set up: from `show protocols all` and `show bfd sessions`. */
import type { AddressFamily } from '../../model/plan.ts';
import type { ChannelTuning, DaemonTuning, SessionTuning } from '../tuning.ts';
import { blocksOf, decodeBfdSessions, decodeProtocols } from './decode.ts';
import { type BirdLine, BirdSocket } from './socket.ts';

const PROTOCOLS = 'show protocols all';

/** undefined: there is no socket. Rejects when BIRD does not answer as it should. */
export async function readBirdTuning(path: string, signal: AbortSignal): Promise<DaemonTuning | undefined> {
  const socket = new BirdSocket(path);
  try {
    if ((await socket.run()) === undefined) return undefined;
    const protocols = await socket.ask(PROTOCOLS, signal);
    return { daemon: 'bird', path, sessions: decodeBirdTuning(protocols, await socket.ask('show bfd sessions', signal)) };
  } finally {
    socket.close();
  }
}

/** Pure part of it. @throws BirdError when it is not as BIRD writes it */
export function decodeBirdTuning(protocols: readonly BirdLine[], bfd: readonly BirdLine[]): readonly SessionTuning[] {
  const lines = new Map(blocksOf(PROTOCOLS, protocols).map((block) => [block.name, block.lines]));
  const withBfd = new Set(decodeBfdSessions(bfd).map(({ peer }) => peer));
  return decodeProtocols(PROTOCOLS, protocols).sessions.map(({ name, vrf, peer, families }) => {
    const mine = lines.get(name)!;
    const hold = mine.flatMap((line) => /^Hold timer:\s+[\d.]+\/(\d+)$/.exec(line)?.[1] ?? [])[0];
    const local = mine.slice(mine.indexOf('Local capabilities') + 1);
    const ours = local.slice(0, Math.max(0, local.indexOf('Neighbor capabilities')));
    return {
      vrf,
      peer,
      ...(hold === undefined ? {} : { hold: Number(hold) }),
      bfd: withBfd.has(peer),
      // Who only helps a peer that restarts says so too, without a time.
      gracefulRestart: ours.includes('Graceful restart') && ours.some((line) => line.startsWith('Restart time:')),
      channels: families.map(({ family }): ChannelTuning => ({ family, outbound: outboundOf(mine, family) })),
    };
  });
}

function outboundOf(lines: readonly string[], family: AddressFamily): ChannelTuning['outbound'] {
  const channel = lines.slice(lines.indexOf(`Channel ${family}`) + 1);
  const filter = channel.find((line) => line.startsWith('Output filter:'))?.slice('Output filter:'.length);
  if (filter?.trim() === 'ACCEPT') return 'everything';
  return filter?.trim() === 'REJECT' ? 'nothing' : 'filtered';
}
