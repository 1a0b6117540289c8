/**
 * Records what the kernel answers, for test/fixtures/ipvs-netlink:
 * `node test/qemu/run.ts --out test/fixtures/ipvs-netlink test/qemu/guest/record.ts`
 */
import { it } from 'node:test';
import { IPVS, serviceKeys } from '../../../src/act/ipvs/codec.ts';
import { Ipvs } from '../../../src/act/ipvs/client.ts';
import { GenericNetlink, genericSocket } from '../../../src/sys/genetlink.ts';
import type { NetlinkChannel } from '../../../src/sys/netlink-socket.ts';
import { run } from '../../../src/lab/netns.ts';
import { ipvsadm, table } from './net.ts';

interface Exchange {
  readonly request: string;
  readonly answers: string[];
}

/** A socket that keeps what passes. */
function listening(exchanges: Exchange[]): NetlinkChannel {
  const socket = genericSocket();
  return {
    send(bytes) {
      exchanges.push({ request: bytes.toString('hex'), answers: [] });
      socket.send(bytes);
    },
    receive() {
      const datagram = socket.receive();
      if (datagram !== undefined) exchanges.at(-1)!.answers.push(datagram.toString('hex'));
      return datagram;
    },
    close: () => socket.close(),
  };
}

function save(name: string, value: unknown): void {
  console.log(`@@file ${name} ${Buffer.from(`${JSON.stringify(value, undefined, 1)}\n`).toString('base64')}`);
}

const TABLE = [
  '-A -t 192.0.2.10:80 -s rr',
  '-a -t 192.0.2.10:80 -r 10.0.1.2:80 -m -w 7 -x 10 -y 5',
  '-a -t 192.0.2.10:80 -r 10.0.2.2:80 -i -w 3 --tun-type gue --tun-port 6080 --tun-nocsum',
  '-a -t 192.0.2.10:80 -r 10.0.3.2:80 -i -w 2 --tun-type gre --tun-csum',
  '-a -t 192.0.2.10:80 -r 10.0.4.2:80 -g -w 0',
  '-A -u 192.0.2.10:53 -s wrr --ops',
  '-a -u 192.0.2.10:53 -r 10.0.1.2:53 -m',
  '-A -t [2001:db8::10]:443 -s rr -p 60',
  '-a -t [2001:db8::10]:443 -r [fd01::2]:443 -m -w 65535',
  '-a -t [2001:db8::10]:443 -r 10.0.1.2:443 -i -w 4',
  '-A -f 7 -s wlc',
  '-a -f 7 -r 10.0.1.2:0 -g -w 5',
  '-A -f 6 -6 -s wlc',
  '-a -f 6 -6 -r [fd01::2]:0 -g -w 1',
];

const ASKED: readonly (readonly [vip: string, realServer: string])[] = [
  ['192.0.2.10:80/tcp', '10.0.1.2:80'],
  ['192.0.2.10:53/udp', '10.0.1.2:53'],
  ['[2001:db8::10]:443/tcp', '[fd01::2]:443'],
  ['fwmark:7', '10.0.1.2:80'],
  ['fwmark:6', '10.0.1.2:80'],
  ['192.0.2.99:80/tcp', '10.0.1.2:80'],
];

it('records', async () => {
  run(['modprobe', 'ip_vs']);
  table(...TABLE);
  save('table.json', { commands: TABLE, ipvsadm: ipvsadm('-Ln'), saved: ipvsadm('-S -n') });

  const reading: Exchange[] = [];
  const kernel = await Ipvs.open(AbortSignal.timeout(20_000), listening(reading));
  for (const [vip, realServer] of ASKED) await kernel.service(vip, realServer);
  kernel.close();
  save('read.json', { asked: ASKED, exchanges: reading });

  const writing: Exchange[] = [];
  const writer = await Ipvs.open(AbortSignal.timeout(20_000), listening(writing));
  const [vip, realServer] = ASKED[0]!;
  const { key, destinations } = (await writer.service(vip, realServer))!;
  for (const destination of destinations) await writer.setWeight(key, destination, 0);
  ipvsadm('-d -t 192.0.2.10:80 -r 10.0.1.2:80');
  await writer.setWeight(key, destinations.find((d) => d.realServer === realServer)!, 7);
  ipvsadm('-D -t 192.0.2.10:80');
  await writer.setWeight(key, destinations[0]!, 7);
  writer.close();
  save('write.json', { exchanges: writing });

  const refused: Exchange[] = [];
  const odd = await GenericNetlink.open(IPVS.family, IPVS.version, AbortSignal.timeout(20_000), listening(refused));
  await odd.request({ command: IPVS.setDest, attributes: serviceKeys(...ASKED[1]!) }).catch(() => undefined);
  odd.close();
  save('refused.json', { exchanges: refused });
});
