/**
 * Records what the kernel sends about links and routes: `node test/record-rtnetlink.ts > test/fixtures/rtnetlink/recorded.json`.
 * In a network of its own; needs root.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { linkSocket, routeRequest, routeSocket } from '../src/sys/rtnetlink.ts';
import { enterOwnNetwork, run } from './system/harness.ts';

enterOwnNetwork();
const links = linkSocket();
const steps: { command: string; datagrams: string[] }[] = [];
for (const command of [
  'ip link add eth7 type veth peer name far7',
  'ip link set eth7 up',
  'ip link set far7 up',
  'ip link set far7 down',
  'ip link set eth7 down',
  'ip link set eth7 name eth8',
  'ip link delete eth8',
]) {
  run(command);
  await sleep(50);
  const datagrams: string[] = [];
  for (let d = links.receive(); d !== undefined; d = links.receive()) datagrams.push(d.toString('hex'));
  steps.push({ command, datagrams });
}
links.close();

run('ip link add left type veth peer name right');
for (const command of [
  'address add 10.91.0.1/24 dev left',
  'address add fd91::1/64 dev left nodad',
  'link set left up',
  'link set right up',
])
  run(`ip ${command}`);
run('ip route add unreachable 10.99.0.0/24');
const routes = routeSocket();
const questions = [
  ['10.91.0.9', '10.91.0.1'],
  ['10.91.0.1', '10.91.0.1'],
  ['10.99.0.1', '10.91.0.1'],
  ['203.0.113.1', '10.91.0.1'],
  ['fd91::9', 'fd91::1'],
] as const;
const answers = questions.map(([destination, source], i) => {
  routes.send(routeRequest(destination, source, i + 1));
  return { destination, source, answer: routes.receive()?.toString('hex') };
});
console.log(JSON.stringify({ steps, index: Number(run('cat /sys/class/net/left/ifindex')), answers }, undefined, 1));
