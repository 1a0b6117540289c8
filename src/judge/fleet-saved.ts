/** What the other load balancers said, in state files and recorded logs. */
import { type Fleet, newFleet } from './fleet.ts';
import type { Reader, Saved } from './snapshot-reader.ts';

const MOST = 65_535;

/** @param time how a time stands there: as it is, or as an age */
export function packFleet(fleet: Fleet, time: (t: number) => number): Saved {
  const { at, toldAt, witnesses, servers, bad, unknown, standing, illSince, judged, badHere, elsewhere } = fleet;
  return {
    times: [time(at), time(toldAt)],
    numbers: [witnesses, illSince, judged, badHere, elsewhere],
    servers: [...servers],
    bad: [...bad],
    unknown: [...unknown],
    standing: [...standing].flatMap(([server, each]) => [server, each.elsewhere, each.since]),
  };
}

/** @param time gives back the time of what stands there. Throws RangeError saying what is wrong. */
export function unpackFleet(reader: Reader, serverCount: number, time: (saved: number) => number): Fleet {
  const fleet = newFleet(0);
  const numbers = (name: string, length: number) => reader.numbers(reader.list(name, length), name);
  [fleet.at, fleet.toldAt] = numbers('times', 2).map(time) as [number, number];
  const [witnesses, illSince, judged, badHere, elsewhere] = numbers('numbers', 5);
  Object.assign(fleet, { witnesses, illSince, judged, badHere, elsewhere });
  const servers = reader.list('servers');
  const column = (name: string, max: number) =>
    reader.list(name, servers.length).map((value) => reader.integer(value, 0, max, name));
  fleet.servers = Int32Array.from(column('servers', serverCount - 1));
  fleet.bad = Uint16Array.from(column('bad', MOST));
  fleet.unknown = Uint16Array.from(column('unknown', MOST));
  const standing = reader.numbers(reader.list('standing'), 'standing');
  for (let at = 0; at + 2 < standing.length; at += 3)
    fleet.standing.set(standing[at]!, { elsewhere: standing[at + 1]!, since: standing[at + 2]! });
  return fleet;
}
