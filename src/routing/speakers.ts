/** Routing daemons whose sessions can be shut. A new one is one file and one line in this list. */
import { birdSpeaker } from './bird/speaker.ts';
import { frrSpeaker } from './frr/speaker.ts';
import type { Sockets, Speaker, SpeakerKind } from './speaker.ts';

const speakers: readonly SpeakerKind[] = [frrSpeaker, birdSpeaker];

/** Those that are not turned off, whether they run or not. */
export function openSpeakers(sockets: Sockets): readonly Speaker[] {
  return speakers.flatMap((kind) => {
    const socket = sockets[kind.name];
    return socket === false ? [] : [kind.open(socket)];
  });
}
