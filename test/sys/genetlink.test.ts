import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { GenericNetlink, genericSocket } from '../../src/sys/genetlink.ts';
import { NetlinkError } from '../../src/sys/netlink-socket.ts';
import {
  attribute,
  errnoOf,
  message,
  nested,
  NetlinkFormatError,
  NLMSG_ERROR,
  parseAttributes,
  parseMessages,
  u16,
  u16be,
  u32,
} from '../../src/sys/netlink.ts';
import { recording, Replay } from './netlink-replay.ts';

const soon = () => AbortSignal.timeout(2000);
const FAMILY = recording('read.json').exchanges[0]!;

describe('netlink messages and attributes', () => {
  it('round-trip whatever their lengths', () => {
    const blob = fc.uint8Array({ maxLength: 70 }).map((b) => Buffer.from(b));
    const list = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 0x3fff }), blob), {
      selector: ([type]) => type,
      maxLength: 8,
    });
    fc.assert(
      fc.property(list, (attributes) => {
        const bytes = Buffer.concat(attributes.map(([type, value]) => attribute(type, value)));
        const [inner] = parseAttributes(nested(5, bytes)).values();
        assert.deepEqual([...parseAttributes(inner!)], attributes);
        const one = { type: 32, flags: 5, sequence: 0xffff_ffff, payload: bytes };
        assert.deepEqual(parseMessages(Buffer.concat([message(one), message(one)])), [one, one]);
      }),
    );
  });

  it('never reads outside: anything is parsed or refused', () => {
    const sharp = fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.array(fc.constantFrom(0, 1, 4, 16, 255), { maxLength: 64 }));
    fc.assert(
      fc.property(sharp, (bytes) => {
        for (const parse of [parseMessages, parseAttributes, errnoOf]) {
          try {
            parse(Buffer.from(bytes));
          } catch (error) {
            assert.ok(error instanceof NetlinkFormatError, String(error));
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('says what is wrong with a length', () => {
    const short = Buffer.alloc(16);
    short.writeUInt32LE(15);
    assert.throws(() => parseMessages(short), /not a netlink message: a length of 15, with 16 bytes left/);
    assert.throws(() => parseMessages(Buffer.alloc(3)), /3 bytes are left/);
    assert.throws(() => parseAttributes(Buffer.from([9, 0, 1, 0, 7])), /an attribute of 9 bytes, with 5 left/);
    assert.throws(() => errnoOf(u32(7)), /an error number of 7, which should be negative/);
    assert.throws(() => parseAttributes(Buffer.from([3, 0, 1, 0])), /an attribute of 3 bytes/);
  });

  it('takes the flags off a type, the last of two, and lets padding be', () => {
    const bytes = Buffer.concat([attribute(0x8001, u16(1)), attribute(0x4001, u16be(2)), Buffer.alloc(3)]);
    assert.deepEqual([...parseAttributes(bytes)], [[1, Buffer.from([0, 2])]]);
  });
});

describe('generic netlink', () => {
  it('finds a family and asks it', async () => {
    const replay = new Replay(recording('read.json').exchanges);
    const netlink = await GenericNetlink.open('IPVS', 1, soon(), replay);
    const request = parseAttributes(Buffer.from(recording('read.json').exchanges[1]!.request, 'hex').subarray(20));
    const attributes = [nested(1, request.get(1)!)];
    assert.equal((await netlink.request({ command: 4, attributes })).length, 1, 'one service');
    assert.equal((await netlink.request({ command: 8, attributes, dump: true })).length, 4, 'four destinations');
    netlink.close();
    assert.ok(replay.closed);
  });

  it("gives the kernel's refusal as an errno, and goes on afterwards", async () => {
    const netlink = await GenericNetlink.open('IPVS', 1, soon(), new Replay(recording('refused.json').exchanges));
    const request = Buffer.from(recording('refused.json').exchanges[1]!.request, 'hex');
    const attributes = [nested(1, parseAttributes(request.subarray(20)).get(1)!)];
    await assert.rejects(netlink.request({ command: 6, attributes }), { name: 'NetlinkError', errno: 22, message: /EINVAL/ });
  });

  it('passes over the late answer to a request that was given up', async () => {
    const stale = message({ type: NLMSG_ERROR, flags: 0, sequence: 77, payload: u32(-13 >>> 0) }).toString('hex');
    const netlink = await GenericNetlink.open(
      'IPVS',
      1,
      soon(),
      new Replay([{ ...FAMILY, answers: [stale, ...FAMILY.answers] }]),
    );
    netlink.close();
  });

  it('refuses a family without number, and a broken datagram; the socket is closed', async () => {
    const empty = message({ type: 16, flags: 0, sequence: 1, payload: Buffer.alloc(4) }).toString('hex');
    const acknowledged = FAMILY.answers[1]!;
    for (const answers of [[empty, acknowledged], [FAMILY.answers[0]!.slice(0, -2)], ['00']]) {
      const replay = new Replay([{ ...FAMILY, answers }]);
      await assert.rejects(GenericNetlink.open('IPVS', 1, soon(), replay), NetlinkFormatError);
      assert.ok(replay.closed);
    }
  });

  it('ends when its signal aborts, however long the kernel is silent', async () => {
    const gone = new AbortController();
    const open = GenericNetlink.open('IPVS', 1, gone.signal, new Replay([{ ...FAMILY, answers: [] }]));
    gone.abort(new Error('late'));
    await assert.rejects(open, /late/);
  });

  it('asks the real kernel: its control family, and one that no module offers', async () => {
    const control = await GenericNetlink.open('nlctrl', 2, soon());
    const families = await control.request({ command: 3, attributes: [], dump: true });
    assert.ok(families.some((family) => family.get(2)?.toString() === 'nlctrl\0'));
    control.close();
    await assert.rejects(GenericNetlink.open('fourlane-none', 1, soon()), (error) => {
      return error instanceof NetlinkError && error.errno === 2 && error.message === 'the kernel answered ENOENT';
    });
    const socket = genericSocket();
    assert.equal(socket.receive(), undefined);
    socket.close();
    assert.throws(() => socket.receive(), { errno: 9 });
  });
});
