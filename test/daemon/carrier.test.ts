import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Carriers } from '../../src/daemon/carrier.ts';

test('a NIC has no link when the kernel or the port behind it says so; a silent port counts for nothing', () => {
  const told: string[] = [];
  const c = new Carriers((fact) => void (fact.kind === 'link' && told.push(`${fact.measuredAt} ${fact.nic} ${fact.carrier}`)));
  c.port(0, 0, 0, 3000);
  assert.deepEqual(told, ['0 0 0'], 'down is told before the kernel has spoken');
  c.kernel(0, 1, 10);
  c.kernel(1, 1, 10);
  assert.deepEqual(told.splice(0), ['0 0 0', '10 0 0', '10 1 1'], 'again when one side is known better');
  c.port(0, 1, 1000, 3000);
  assert.deepEqual(told.splice(0), ['1000 0 1']);
  c.port(0, 0, 2000, 3000);
  c.port(0, 0, 3000, 3000);
  assert.deepEqual(told.splice(0), ['2000 0 0'], 'told once');
  c.expire(6000);
  assert.deepEqual(told.splice(0), []);
  c.expire(6001);
  assert.deepEqual(told.splice(0), ['6001 0 1'], 'nobody repeats it: fail open');
  c.kernel(0, 0, 7000);
  c.port(0, 1, 7001, 3000);
  assert.deepEqual(told.splice(0), ['7000 0 0', '7001 0 0'], 'a port with link does not overrule the kernel');
  c.reset();
  c.kernel(0, 0, 8000);
  assert.deepEqual(told, ['8000 0 0'], 'after a reload everything is told anew');
});

test('what it follows from is reported with it, while the port behind the NIC is known', () => {
  const facts: unknown[] = [];
  const c = new Carriers(({ kind: _, measuredAt: __, ...fact }) => void facts.push(fact));
  c.kernel(0, 1, 0);
  c.port(0, 1, 0, 3000);
  c.port(0, 0, 1000, 3000);
  c.kernel(0, 0, 2000);
  c.kernel(0, 1, 3000);
  c.expire(6001);
  assert.deepEqual(facts, [
    { nic: 0, carrier: 1 },
    { nic: 0, carrier: 1, port: 1, kernel: 1 },
    { nic: 0, carrier: 0, port: 0, kernel: 1 },
    { nic: 0, carrier: 0, port: 0, kernel: 0 },
    { nic: 0, carrier: 0, port: 0, kernel: 1 },
    { nic: 0, carrier: 1 },
  ]);
});
