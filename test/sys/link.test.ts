/** The link of a device, over a copy of sysfs that the test writes. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ABSENT, Link } from '../../src/sys/link.ts';

const root = mkdtempSync(join(tmpdir(), 'fourlane-link-'));
after(() => rmSync(root, { recursive: true }));
const { signal } = new AbortController();

function write(device: string, attributes: Readonly<Record<string, string | number>>): void {
  mkdirSync(join(root, device), { recursive: true });
  for (const [name, value] of Object.entries(attributes)) writeFileSync(join(root, device, name), `${value}\n`);
}

/** A link with carrier that has changed four times. */
function up(device: string): Link {
  write(device, { carrier: 1, carrier_changes: 4, operstate: 'up' });
  const link = new Link(device, root);
  link.settle();
  assert.deepEqual(link.look(), { carrier: 1, operstate: 'up', changes: 4 });
  return link;
}

test('loopback is up, a device that is not there is absent', () => {
  const lo = new Link('lo');
  lo.settle();
  assert.equal(lo.look()?.carrier, 1);
  lo.close();
  const none = new Link('nosuch0');
  none.settle();
  assert.deepEqual(none.look(), ABSENT);
  assert.equal(none.hasMoved(ABSENT), false);
});

test('a loss is counted before the kernel tells it, and so is the way back', () => {
  const link = up('counted');
  const before = link.look()!;
  assert.equal(link.hasMoved(before), false);
  write('counted', { carrier_changes: 5 });
  assert.equal(link.hasMoved(before), true);
  assert.deepEqual(link.look(), { carrier: 0, operstate: 'up', changes: 5 });
  write('counted', { carrier_changes: 8 });
  assert.deepEqual(link.look(), { carrier: 1, operstate: 'up', changes: 8 });
});

test('what is read of the carrier counts more than the count', async () => {
  const link = up('silent');
  write('silent', { carrier: 0 });
  assert.equal(link.look()?.carrier, 1);
  await link.verify(signal);
  assert.equal(link.look()?.carrier, 0);
});

test('a carrier that changes while it is read teaches nothing', async () => {
  const link = up('restless');
  write('restless', { carrier_changes: 5 });
  const verified = link.verify(signal);
  write('restless', { carrier_changes: 6 });
  await verified;
  assert.equal(link.look()?.carrier, 1);
});

test('down means no carrier; once up, nothing is said before the carrier was read', async () => {
  write('closed', { carrier_changes: 3, operstate: 'down' });
  const link = new Link('closed', root);
  link.settle();
  assert.deepEqual(link.look(), { carrier: 0, operstate: 'down', changes: 3 });
  write('closed', { carrier: 1, carrier_changes: 4, operstate: 'up' });
  assert.equal(link.look(), undefined);
  await link.verify(signal);
  assert.deepEqual(link.look(), { carrier: 1, operstate: 'up', changes: 4 });
  write('closed', { operstate: 'lowerlayerdown' });
  assert.equal(link.look()?.carrier, 0);
});

test('a device that has lost its name, to none or to another one, is forgotten when it is verified', async () => {
  const link = up('renamed');
  renameSync(join(root, 'renamed'), join(root, 'other'));
  assert.equal(link.look()?.carrier, 1, 'still that device');
  await link.verify(signal);
  assert.deepEqual(link.look(), ABSENT);
  write('renamed', { carrier: 0, carrier_changes: 4, operstate: 'dormant' });
  assert.equal(link.look(), undefined, 'of this one nothing was read');
  await link.verify(signal);
  assert.deepEqual(link.look(), { carrier: 0, operstate: 'dormant', changes: 4 });
});

test('what cannot be read proves nothing', async () => {
  symlinkSync('loop', join(root, 'loop'));
  const link = new Link('loop', root);
  link.settle();
  assert.equal(link.look(), undefined);
  await assert.rejects(link.verify(signal), { code: 'ELOOP' });
});
