/**
 * A link that is cut while other links of the machine come and go, whose messages the kernel lets wait for up to a second. In a
 * network of its own; needs root.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensure } from '../../src/lab/ensure.ts';
import { LinkMonitor } from '../../src/sys/link-monitor.ts';
import { enterOwnNetwork, run, until } from './harness.ts';

/** A link that the kernel takes for a port, as a NIC is one: it tells of those whose peer has another index at once. */
function plug(device: string, index: number): void {
  run(`ip link add ${device} index ${index} type veth peer name ${device} index ${index} netns far`);
  run(`ip link set ${device} up`);
}

before(() => {
  ensure(['iproute2']);
  enterOwnNetwork();
  run('ip netns add far');
  plug('eth1', 901);
  plug('busy', 902);
});

/** The kernel's second would be over before this in two of five cuts, so in all six in one of 240 runs. */
const AT_MOST_MS = 400;

test('a loss is seen at once while another link keeps changing', { timeout: 60_000 }, async () => {
  const churn = 'while :; do ip -n far link set busy up; sleep 0.3; ip -n far link set busy down; sleep 0.3; done';
  const others = spawn('sh', ['-c', churn], { stdio: 'ignore' });
  const clock = () => performance.now();
  const seen: { carrier: 0 | 1; t: number }[] = [];
  const changed = (_device: string, carrier: 0 | 1, t: number) => void seen.push({ carrier, t });
  const links = new LinkMonitor({ devices: ['eth1'], clock, changed, log: (message) => assert.fail(message) });
  try {
    const took: number[] = [];
    for (let k = 0; k < 6; k++) {
      run('ip -n far link set eth1 up');
      await until('the carrier', 5000, async () => seen.at(-1)?.carrier === 1);
      await sleep(500 + 130 * k);
      const cut = clock();
      run('ip -n far link set eth1 down');
      await until('its loss', 5000, async () => seen.at(-1)?.carrier === 0);
      took.push(Math.round(seen.at(-1)!.t - cut));
    }
    assert.ok(Math.max(...took) <= AT_MOST_MS, `ms from the cut: ${took.join(', ')}`);
    assert.equal(seen.length, 13, 'nothing else was seen');
  } finally {
    links.stop();
    others.kill();
  }
});
