import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { decodeEvidence, encodeEvidence, type Evidence, rootPrefix } from '../../src/cluster/evidence/evidence.ts';
import { RESTED, takeTurn } from '../../src/cluster/evidence/pace.ts';
import { cannotTell, type Peer, shardsOf, testimonyOf, translate } from '../../src/cluster/evidence/witnesses.ts';
import { randomFrom } from '../judge/world.ts';

const ROOT = rootPrefix('0123456789abcdef'.repeat(4));
const evidence = (more: Partial<Evidence> = {}): Evidence => ({
  root: ROOT,
  epoch: 3,
  frozen: false,
  blind: false,
  length: 60_000,
  bad: [],
  ...more,
});
const some = (count: number, length = 60_000, seed = 1) => {
  const random = randomFrom(seed);
  const all = new Set<number>();
  while (all.size < count) all.add(Math.floor(random() * length));
  return [...all].toSorted((a, b) => a - b);
};

test('evidence is read as it was written, whatever it holds, and stays small', () => {
  const sizes: Record<number, number> = { 0: 20, 10: 45, 200: 450, 512: 1100, 513: 7600, 20_000: 7600 };
  for (const [count, most] of Object.entries(sizes)) {
    const value = evidence({ bad: some(Number(count)) });
    const bytes = encodeEvidence(value);
    assert.deepEqual(decodeEvidence('evidence/0/lb-1', bytes), value);
    assert.ok(bytes.length <= most, `${count} bad: ${bytes.length} bytes`);
  }
  const all = evidence({ bad: [...Array.from({ length: 60_000 }).keys()] });
  assert.ok(encodeEvidence(all).length < 60);
  assert.deepEqual(decodeEvidence('k', encodeEvidence(all)), all);
  const edges = evidence({ length: 9, bad: [0, 8] });
  assert.deepEqual(decodeEvidence('k', encodeEvidence(edges)), edges);
});

test('a server that is frozen or blind withdraws its list', () => {
  for (const flag of ['frozen', 'blind'] as const) {
    const read = decodeEvidence('k', encodeEvidence(evidence({ bad: [1, 2], [flag]: true })));
    assert.deepEqual([read[flag], read.bad], [true, []]);
  }
});

test('bytes that nobody would write are refused, and cost little', () => {
  const good = encodeEvidence(evidence({ length: 10, bad: [3, 4] }));
  const refuses = (bytes: Uint8Array, message: RegExp) => assert.throws(() => decodeEvidence('evidence/0/x', bytes), message);
  refuses(new Uint8Array(), /^FourlaneError: evidence\/0\/x: no evidence: it ends too early/);
  refuses(Buffer.from([9, ...good.subarray(1)]), /found schema 9; allowed: 1/);
  refuses(good.subarray(0, -1), /ends too early/);
  refuses(Buffer.concat([good, Buffer.from([0])]), /1 bytes are left over/);
  const head = good.subarray(0, 11);
  refuses(Buffer.from([...head, 10, 2, 9, 5]), /found index 15 of a list of 10/);
  refuses(Buffer.from([...head, 10, 11]), /found a number above 10/);
  refuses(Buffer.from([...head, 0xff, 0xff, 0xff, 0x7f]), /above 1000000/);
  refuses(Buffer.from([...head, ...Array.from({ length: 12 }, () => 0x80)]), /does not end/);
  const bitmap = Buffer.from([1, 4, ...good.subarray(2, 11), 10, 2]);
  refuses(Buffer.concat([bitmap, zstdCompressSync(Buffer.alloc(1 << 20))]), /no evidence/);
  refuses(Buffer.concat([bitmap, zstdCompressSync(Buffer.from([0xff, 0xff]))]), /found index 15 of a list of 10/);
  refuses(Buffer.concat([bitmap, Buffer.from('junk')]), /no evidence/);
});

test('random bytes never give more than a list allows', () => {
  const random = randomFrom(7);
  for (let k = 0; k < 20_000; k++) {
    const bytes = Uint8Array.from({ length: 12 + Math.floor(random() * 30) }, () => Math.floor(random() * 256));
    bytes[0] = 1;
    bytes[1] = Math.floor(random() * 8);
    try {
      const { bad, length } = decodeEvidence('k', bytes);
      assert.ok(bad.every((index, i) => index < length && (i === 0 || index > bad[i - 1]!)));
    } catch (error) {
      assert.match((error as Error).message, /^k: no evidence/);
    }
  }
});

test('a change is written at once, the next after two seconds, and in the long run one in ten', () => {
  let pace = RESTED;
  const times: number[] = [];
  for (let now = 0; now < 120_000; now += 100) {
    const turn = takeTurn(pace, now);
    if ('askAgainAt' in turn) {
      assert.ok(turn.askAgainAt > now);
      continue;
    }
    times.push(now);
    pace = turn.next;
  }
  assert.deepEqual(times.slice(0, 4), [0, 2000, 4000, 6000]);
  assert.ok(times.length <= 5 + 12, String(times.length));
  assert.ok(times.every((t, i) => i === 0 || t - times[i - 1]! >= 2000));
});

const peer = (more: Partial<Peer> = {}): Peer => ({
  server: 'lb-2',
  roster: { ring: 'r', site: 's', rack: 'k2', uplink: 'u2' },
  alive: true,
  evidence: evidence({ length: 4, bad: [1] }),
  translation: 'same',
  ...more,
});
const OWN = { ring: 'r', site: 's', rack: 'k1', uplink: 'u1' };

test('who cannot tell is no witness', () => {
  const why = (more: Partial<Peer>) => cannotTell(peer(more), OWN);
  assert.equal(why({}), undefined);
  assert.equal(why({ alive: false }), 'dead');
  assert.equal(why({ evidence: undefined }), 'silent');
  assert.equal(why({ evidence: evidence({ frozen: true }) }), 'frozen');
  assert.equal(why({ evidence: evidence({ blind: true }) }), 'blind');
  assert.equal(why({ translation: undefined }), 'other configuration');
  assert.equal(why({ roster: { ...OWN, uplink: 'u9' } }), 'same rack');
  assert.equal(why({ roster: { ...OWN, site: 'elsewhere', uplink: 'u9' } }), undefined, 'a rack of another site is another rack');
  assert.equal(why({ roster: { ...OWN, rack: 'k9' } }), 'same uplink');
  assert.equal(cannotTell(peer({ roster: { ring: 'r' } }), { ring: 'r' }), undefined, 'nothing is known, so nothing is shared');
});

test('witnesses are counted per real server; those on another list through a translation', () => {
  const own = ['a', 'b', 'c', 'd'];
  const theirs = ['b', 'c', 'x'];
  const translation = translate(own, theirs);
  assert.deepEqual(translation.missing, [0, 3]);
  const peers = [
    peer(),
    peer({ evidence: evidence({ length: 4, bad: [1, 3] }) }),
    peer({ evidence: evidence({ length: 3, bad: [0, 2] }), translation }),
    peer({ alive: false }),
  ];
  assert.deepEqual(testimonyOf(peers, OWN), { witnesses: 3, servers: [0, 1, 3], bad: [0, 3, 1], unknown: [1, 0, 1] });
});

test('a shard has at most 32 servers, and every server one', () => {
  for (const size of [1, 32, 33, 1000]) {
    const shards = shardsOf(Array.from({ length: size }, (_, i) => `lb-${i}`));
    const counts = new Map<number, number>();
    for (const shard of shards.values()) counts.set(shard, (counts.get(shard) ?? 0) + 1);
    assert.ok(Math.max(...counts.values()) <= 32);
    assert.equal(counts.size, Math.ceil(size / 32));
  }
});
