import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ENOBUFS } from '../../src/sys/errno.ts';
import { LinkMonitor } from '../../src/sys/link-monitor.ts';
import { NetlinkError } from '../../src/sys/netlink-socket.ts';

const { steps } = JSON.parse(readFileSync(new URL('../fixtures/rtnetlink/recorded.json', import.meta.url), 'utf8')) as {
  steps: { datagrams: string[] }[];
};
/** A message about `lo`, made of a recorded one about `eth7`. */
const aboutLo = () => {
  const datagram = Buffer.from(steps[1]!.datagrams[0]!, 'hex');
  datagram.write('lo\0', datagram.indexOf('eth7'));
  return datagram;
};

const root = mkdtempSync(join(tmpdir(), 'fourlane-links-'));
after(() => rmSync(root, { recursive: true }));

/** Writes attributes of `lo` in the copy of sysfs. */
function write(attributes: Readonly<Record<string, string | number>>): void {
  for (const [name, value] of Object.entries(attributes)) writeFileSync(join(root, 'lo', name), `${value}\n`);
}

/** A monitor of `lo`, which is up, and a device that is not there, over a socket that the test feeds. */
function stage() {
  mkdirSync(join(root, 'lo'), { recursive: true });
  write({ carrier: 1, carrier_changes: 2, operstate: 'up' });
  const queue: (Buffer | Error)[] = [];
  let wake: (readable: boolean) => void = () => undefined;
  const seen = { opened: 0, closed: 0, log: [] as string[], changed: [] as string[] };
  const monitor = new LinkMonitor({
    devices: ['lo', 'nosuch0'],
    root,
    clock: () => performance.now(),
    changed: (device, carrier) => seen.changed.push(`${device} ${carrier}`),
    log: (message, fields) => seen.log.push(`${message}: ${String(fields['error'])}, again in ${String(fields['backoff_ms'])}`),
    open() {
      seen.opened++;
      return {
        receive() {
          const next = queue.shift();
          if (next instanceof Error) throw next;
          return next;
        },
        readable: () => new Promise((resolve) => (wake = resolve)),
        close: () => void seen.closed++,
      };
    },
  });
  /** Resolves once the monitor waits again. */
  const feed = async (...items: (Buffer | Error)[]) => {
    queue.push(...items);
    wake(true);
    await new Promise((resolve) => setTimeout(resolve));
  };
  const end = async () => {
    monitor.stop();
    wake(false);
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { monitor, seen, feed, end };
}

/** Waits until that many changes were reported. */
async function reported(changed: readonly string[], n: number): Promise<void> {
  for (let k = 0; changed.length < n && k < 1000; k++) await sleep(10);
}

test('the first reading of each device is reported, a message that changes nothing is not', async () => {
  const { seen, feed, monitor, end } = stage();
  assert.deepEqual(seen.changed, ['lo 1', 'nosuch0 0']);
  await feed(aboutLo(), aboutLo());
  await feed(Buffer.from(steps[0]!.datagrams[0]!, 'hex')); // of a device that is not watched
  assert.deepEqual(seen.changed, ['lo 1', 'nosuch0 0']);
  assert.equal(monitor.state('lo').carrier, 1);
  assert.equal(monitor.state('other').operstate, 'absent');
  monitor.setDevices(['lo']);
  assert.deepEqual(seen.changed, ['lo 1', 'nosuch0 0', 'lo 1'], 'a NIC of another name may have it now');
  await end();
  assert.deepEqual([seen.opened, seen.closed, seen.log], [1, 1, []]);
});

test('a loss that no message has told is seen by its count, and so is the device that goes', async () => {
  const { seen, end } = stage();
  try {
    for (const [n, carrier] of [0, 1].entries()) {
      write({ carrier, carrier_changes: 3 + n });
      await reported(seen.changed, 3 + n);
    }
    rmSync(join(root, 'lo'), { recursive: true });
    await reported(seen.changed, 5);
    mkdirSync(join(root, 'lo'));
    write({ carrier: 1, carrier_changes: 0, operstate: 'up' });
    await reported(seen.changed, 6);
    assert.deepEqual(seen.changed, ['lo 1', 'nosuch0 0', 'lo 0', 'lo 1', 'lo 0', 'lo 1']);
  } finally {
    await end();
  }
});

test('lost messages: everything is read again, on the same socket', async () => {
  const { seen, feed, end } = stage();
  await sleep(100);
  write({ carrier: 0 }); // by a driver that does not count
  assert.equal(seen.changed.length, 2);
  await feed(new NetlinkError(ENOBUFS));
  for (let k = 0; seen.changed.length < 3 && k < 50; k++) await sleep(1);
  assert.equal(seen.changed[2], 'lo 0');
  await feed(aboutLo());
  await end();
  assert.deepEqual([seen.opened, seen.closed, seen.log], [1, 1, []]);
});

test('a socket that fails is closed and opened again after a pause that grows, and everything is read again', async () => {
  const { seen, feed, end } = stage();
  await feed(Buffer.from('no netlink'));
  assert.deepEqual([seen.closed, seen.log.length], [1, 1]);
  assert.match(seen.log[0]!, /^no messages about links; .*: not a netlink message: .*, again in 100$/);
  while (seen.opened < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  await feed(new NetlinkError(9));
  assert.match(seen.log[1]!, /the kernel answered EBADF, again in 200$/);
  while (seen.opened < 3) await new Promise((resolve) => setTimeout(resolve, 10));
  await feed(aboutLo());
  await end();
  assert.deepEqual([seen.opened, seen.closed], [3, 3]);
});
