/** What the kernel (6.18) sends about links and routes, recorded by test/record-rtnetlink.ts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NetlinkFormatError, parseMessages } from '../../src/sys/netlink.ts';
import type { NetlinkChannel } from '../../src/sys/netlink-socket.ts';
import { changedLinks, routeAnswer, routeDevices, routeRequest } from '../../src/sys/rtnetlink.ts';

interface Recorded {
  readonly steps: readonly { readonly command: string; readonly datagrams: readonly string[] }[];
  /** Of the device `left`. */
  readonly index: number;
  readonly answers: readonly { readonly destination: string; readonly source: string; readonly answer: string }[];
}

const path = new URL('../fixtures/rtnetlink/recorded.json', import.meta.url);
const recorded = JSON.parse(readFileSync(path, 'utf8')) as Recorded;
const bytes = (hex: string) => Buffer.from(hex, 'hex');
const datagrams = recorded.steps.flatMap((s) => s.datagrams.map(bytes));

describe('messages about links', () => {
  it('name the device that was made, changed, renamed or deleted', () => {
    const named = recorded.steps.map(({ command, datagrams: list }) => [
      command,
      [...new Set(list.map(bytes).flatMap(changedLinks))],
    ]);
    assert.deepEqual(named, [
      ['ip link add eth7 type veth peer name far7', ['far7', 'eth7']],
      ['ip link set eth7 up', ['eth7']],
      ['ip link set far7 up', ['far7', 'eth7']],
      ['ip link set far7 down', ['far7', 'eth7']],
      ['ip link set eth7 down', ['eth7']],
      ['ip link set eth7 name eth8', ['eth8']],
      ['ip link delete eth8', ['eth8', 'far7']],
    ]);
  });

  it('of other kinds are passed over, broken ones refused, whatever is broken', () => {
    const [one] = datagrams;
    const other = Buffer.from(one!);
    other.writeUInt16LE(28, 4); // RTM_NEWNEIGH
    assert.deepEqual(changedLinks(other), []);
    fc.assert(
      fc.property(
        fc.constantFrom(...datagrams),
        fc.nat(1500),
        fc.uint8Array({ minLength: 1, maxLength: 4 }),
        (whole, at, noise) => {
          const broken = Buffer.from(whole.subarray(0, Math.max(20, at)));
          broken.set(noise.subarray(0, Math.max(0, broken.length - at)), Math.min(at, broken.length - 1));
          try {
            changedLinks(broken);
          } catch (error) {
            assert.ok(error instanceof NetlinkFormatError, String(error));
          }
        },
      ),
      { numRuns: 2000, seed: 1 },
    );
  });
});

describe('routes', () => {
  it('are answered with the device, and not at all where there is none that sends', () => {
    const devices = recorded.answers.map(({ destination, answer }) => [
      destination,
      routeAnswer(parseMessages(bytes(answer))[0]!),
    ]);
    assert.deepEqual(devices, [
      ['10.91.0.9', recorded.index],
      ['10.91.0.1', 1], // lo: an address of this machine
      ['10.99.0.1', undefined], // unreachable
      ['203.0.113.1', undefined], // no route
      ['fd91::9', recorded.index],
    ]);
  });

  it('are asked for one by one; what is of another family, refused or never answered has no device', async () => {
    const asked: string[] = [];
    let closed = false;
    const channel: NetlinkChannel = {
      send: (request) => void asked.push(request.toString('hex')),
      receive() {
        const k = recorded.answers.findIndex(({ destination, source }) => {
          return routeRequest(destination, source, asked.length).toString('hex') === asked.at(-1);
        });
        if (k < 0) return undefined;
        const answer = bytes(recorded.answers[k]!.answer);
        answer.writeUInt32LE(asked.length, 8);
        return answer;
      },
      close: () => void (closed = true),
    };
    const found = await routeDevices(['10.91.0.1', 'fd91::9', '10.99.0.1', '10.1.1.1'], '10.91.0.1', () => channel);
    assert.deepEqual(found, ['lo', undefined, undefined, undefined]);
    assert.equal(asked.length, 3);
    assert.ok(closed);
  });

  it('are unknown when the kernel cannot be asked', async () => {
    const refuse = () => {
      throw new Error('no descriptor');
    };
    assert.deepEqual(await routeDevices(['10.91.0.1'], '10.91.0.1', refuse), [undefined]);
  });

  it('of loopback leave by lo, on this machine', async () => {
    assert.deepEqual(await routeDevices(['127.0.0.1', '127.1.2.3'], '127.0.0.1'), ['lo', 'lo']);
  });
});
