/** What no NIC reaches is named: in any steady matrix, as long as the word of some NIC counts (R5, R6). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdicts } from '../../src/judge/read.ts';
import { play, randomFrom, topology } from './world.ts';

const FAULT_AT = 6000;
const END = 14_000;
const WORLDS = 300;

interface World {
  /** Per NIC and real server: whether it answers. */
  readonly good: readonly (readonly boolean[])[];
  readonly anchors: boolean;
}

function randomWorld(seed: number): World {
  const random = randomFrom(seed);
  const nics = 2 + Math.floor(random() * 2);
  const servers = 3 + Math.floor(random() * 7);
  const dead = random();
  const columns = Array.from({ length: servers }, () => (random() < dead ? 0 : random() < 0.5 ? 1 : 0.6));
  const good = Array.from({ length: nics }, () => columns.map((share) => random() < share));
  return { good, anchors: random() < 0.8 };
}

/** R5 by its words: whether the word of a NIC counts in a steady world. */
function isTrusted({ good, anchors }: World, nic: number): boolean {
  const row = good[nic]!;
  const witnesses = row.filter((_, server) => good.some((other, at) => at !== nic && other[server]));
  const failing = witnesses.filter((works) => !works).length;
  if (witnesses.length >= 3 && failing >= 0.5 * witnesses.length) return false;
  return anchors || row.some(Boolean);
}

test(`a real server that no NIC reaches is RS_DOWN when a trusted NIC can tell, in ${WORLDS} random matrices`, () => {
  let [named, excused] = [0, 0];
  for (let seed = 1; seed <= WORLDS; seed++) {
    const world = randomWorld(seed);
    const { good, anchors } = world;
    const anyone = good.flat().some(Boolean);
    const dead = good[0]!.flatMap((_, server) => (good.some((row) => row[server]) ? [] : [server]));
    const shape = topology({ nics: good.length, servers: good[0]!.length, ...(anchors ? {} : { anchors: () => [] }) });
    const fault = {
      cell: (nic: number, server: number) => (t: number) => (t < FAULT_AT || good[nic]![server] ? 'ok' : 'timeout'),
    } as const;
    const present = verdicts(play(shape, fault, END, { seed }).state);
    const down = new Set(present.filter((v) => v.verdict === 'RS_DOWN').map((v) => v.rs));
    const trusted = good.some((_, nic) => isTrusted(world, nic));
    for (const server of anyone ? dead : []) {
      if (trusted) {
        assert.ok(
          down.has(shape.realServers[server]!.id),
          `seed ${seed}: ${server} in ${JSON.stringify(good.map((row) => row.map(Number).join('')))}`,
        );
        named++;
      } else {
        assert.ok(!down.has(shape.realServers[server]!.id), `seed ${seed}: ${server} was named by nobody whose word counts`);
        excused++;
      }
    }
  }
  assert.ok(named > 300, `${named} named`);
  assert.ok(excused < named / 3, `${excused} without a NIC whose word counts`);
});
