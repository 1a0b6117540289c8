import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ipvs } from '../../src/act/ipvs.ts';
import { parseDestination, serviceKeys, withWeight } from '../../src/act/ipvs/codec.ts';
import { Ipvs, IpvsUnavailable } from '../../src/act/ipvs/client.ts';
import { message, nested, NetlinkFormatError, NLMSG_ERROR, parseAttributes, u32 } from '../../src/sys/netlink.ts';
import { recording, Replay } from '../sys/netlink-replay.ts';
import { Table, VIP, Wanting } from './ipvs-world.ts';
import { noted, planOf, UNKNOWN, UNTOUCHED } from './world.ts';

const RS = '10.0.1.2:80';
const soon = () => AbortSignal.timeout(2000);

describe('IPVS as the kernel writes it', () => {
  const { asked, exchanges } = recording<{ asked: [string, string][] }>('read.json');

  it('reads every destination of the recorded services, byte for byte asked as recorded', async () => {
    const replay = new Replay(exchanges);
    const kernel = await Ipvs.open(soon(), replay);
    const found: Record<string, string[] | undefined> = {};
    for (const [vip, rs] of asked) {
      const service = await kernel.service(vip, rs);
      found[vip] = service?.destinations.map((d) => `${d.realServer} ${d.forward} ${d.weight}`).sort((a, b) => (a < b ? -1 : 1));
    }
    assert.deepEqual(found, {
      '192.0.2.10:80/tcp': ['10.0.1.2:80 Masq 7', '10.0.2.2:80 Tunnel 3', '10.0.3.2:80 Tunnel 2', '10.0.4.2:80 Route 0'],
      '192.0.2.10:53/udp': ['10.0.1.2:53 Masq 1'],
      '[2001:db8::10]:443/tcp': ['10.0.1.2:443 Tunnel 4', '[fd01::2]:443 Masq 65535'],
      'fwmark:7': ['10.0.1.2 Route 5'],
      // Asked as IPv4 first, as its real server is; the kernel has it as IPv6 only.
      'fwmark:6': ['fd01::2 Route 1'],
      '192.0.2.99:80/tcp': undefined,
    });
    assert.ok(replay.finished);
    kernel.close();
    const printed = recording<{ ipvsadm: string }>('table.json').ipvsadm.replaceAll(/ +/g, ' ');
    for (const destination of Object.values(found).flatMap((list) => list ?? [])) {
      const [address = '', forward, weight] = destination.split(' ');
      const name =
        address === '10.0.1.2' || address === 'fd01::2' ? `${address.includes(':') ? `[${address}]` : address}:0` : address;
      assert.ok(printed.includes(` -> ${name} ${forward} ${weight} `), `ipvsadm prints ${destination}`);
    }
  });

  it('writes every attribute back but the weight: requests that the kernel took', async () => {
    const replay = new Replay(recording('write.json').exchanges);
    const kernel = await Ipvs.open(soon(), replay);
    const { key, destinations } = (await kernel.service('192.0.2.10:80/tcp', RS))!;
    for (const d of destinations) assert.equal(await kernel.setWeight(key, d, 0), true);
    assert.equal(await kernel.setWeight(key, destinations.find((d) => d.realServer === RS)!, 7), false, 'destination deleted');
    assert.equal(await kernel.setWeight(key, destinations[0]!, 7), false, 'service deleted');
    assert.ok(replay.finished);
  });

  it('keeps attributes that it does not know, and drops what the kernel only tells', () => {
    const known: [number, Buffer][] = [
      [1, Buffer.alloc(16, 1)],
      [2, Buffer.from([0, 80])],
      [3, u32(2)],
      [4, u32(7)],
      [7, u32(12)],
      [10, Buffer.alloc(8)],
      [99, Buffer.from('later')],
    ];
    const bytes = withWeight({ realServer: RS, ip: '', port: 80, weight: 7, forward: '', attributes: new Map(known) }, 0);
    const written = parseAttributes(parseAttributes(bytes).get(2)!);
    assert.deepEqual([...written.keys()], [1, 2, 3, 4, 99]);
    assert.deepEqual(written.get(4), u32(0));
    assert.equal(written.get(99)!.toString(), 'later');
  });

  it('refuses a destination that lacks something or has another size, whatever the bytes', async () => {
    const [, , list] = exchanges;
    const datagram = Buffer.from(list!.answers[0]!, 'hex');
    await fc.assert(
      fc.asyncProperty(fc.nat(datagram.length - 1), fc.nat(255), fc.nat(datagram.length), async (at, value, cut) => {
        const spoil = (d: Buffer) => {
          if (d.length !== datagram.length) return d;
          d[at] = value;
          return cut % 3 === 0 ? d.subarray(0, cut) : d;
        };
        const replay = new Replay(exchanges.slice(0, 3), spoil);
        const exhausted = () => {
          throw Object.assign(new Error('no answer is left'), { name: 'Exhausted' });
        };
        const kernel = await Ipvs.open(soon(), {
          send: (bytes) => replay.send(bytes),
          receive: () => replay.receive() ?? exhausted(),
          close: () => replay.close(),
        });
        await kernel.service('192.0.2.10:80/tcp', RS).then(
          (service) => assert.ok(service?.destinations.every((d) => d.port >= 0 && d.ip !== '')),
          (error: Error) =>
            assert.ok(/^(NetlinkFormatError|NetlinkError|IpvsUnavailable|Exhausted)$/.test(error.name), error.stack),
        );
      }),
      { numRuns: 150 },
    );
    assert.throws(() => parseDestination(new Map()), NetlinkFormatError);
    assert.throws(() => parseDestination(parseAttributes(nested(2, Buffer.alloc(0)))), /a destination without address/);
  });

  it('says what to do when there is no module, no permission, or another refusal', async () => {
    const [family] = exchanges;
    const refusal = (errno: number) =>
      new Replay([
        {
          ...family!,
          answers: [message({ type: NLMSG_ERROR, flags: 0, sequence: 1, payload: u32(-errno >>> 0) }).toString('hex')],
        },
      ]);
    const remedies = {
      2: /ip_vs is not loaded: load it \(modprobe ip_vs\)/,
      1: /CAP_NET_ADMIN/,
      105: /IPVS: the kernel answered ENOBUFS/,
    };
    for (const [errno, remedy] of Object.entries(remedies)) {
      await assert.rejects(
        Ipvs.open(soon(), refusal(Number(errno))),
        (error) => error instanceof IpvsUnavailable && remedy.test(error.message),
      );
    }
  });

  it('says which time limit it was', async () => {
    const silent = new Replay([{ ...exchanges[0]!, answers: [] }]);
    await assert.rejects(Ipvs.open(AbortSignal.timeout(1), silent), { name: 'IpvsUnavailable', message: /raise the timeout/ });
  });

  it('knows no service but what the configuration lets through', () => {
    assert.throws(() => serviceKeys('10.0.0.1:80/sctp', RS), /no service that IPVS knows/);
    assert.equal(serviceKeys('fwmark:7', RS).length, 2);
  });
});

describe('the ipvs actuator', () => {
  it('sets weight 0 and goes back to what it found, not to the configured weight', async () => {
    const table = new Table({ [VIP]: { [RS]: 7 } });
    const wanting = new Wanting(table);
    assert.equal((await wanting.weight(RS, 0)).result, 'done');
    assert.equal((await wanting.weight(RS, 0)).result, 'unchanged');
    assert.deepEqual(await wanting.weight(RS, 100), { result: 'done', note: UNTOUCHED });
    assert.deepEqual(table.written, [`${RS}=0`, `${RS}=7`]);
    assert.equal(table.open, 0, 'closed again');
  });

  it('comes back slowly in parts of what it found, at least 1', async () => {
    const table = new Table({ [VIP]: { [RS]: 8, '10.0.1.3:80': 1 } });
    const wanting = new Wanting(table);
    for (const part of [0, 5, 50, 95, 100]) for (const rs of [RS, '10.0.1.3:80']) await wanting.weight(rs, part);
    assert.deepEqual(
      table.written.filter((w) => w.startsWith(RS)),
      [0, 1, 4, 8].map((w) => `${RS}=${w}`),
    );
    assert.deepEqual(
      table.written.filter((w) => !w.startsWith(RS)),
      ['10.0.1.3:80=0', '10.0.1.3:80=1'],
    );
  });

  it('overrules another weight a few times in a row, then leaves it and says so; what others set is given back', async () => {
    const table = new Table({ [VIP]: { [RS]: 7 } });
    const wanting = new Wanting(table, { reapply: 2 });
    await wanting.weight(RS, 0);
    for (const n of [1, 2]) {
      table.set(RS, 9);
      const outcome = await wanting.weight(RS, 0);
      assert.deepEqual([outcome.result, outcome.differs, table.weight(RS)], ['done', true, 0], `time ${n}`);
    }
    table.set(RS, 9);
    const left = await wanting.weight(RS, 0);
    assert.deepEqual([left.result, table.weight(RS)], ['unsupported', 9]);
    assert.match(
      left.message ?? '',
      /set to 9 by somebody else 3 times in a row; left so until something else is wanted, or a reload/,
    );
    assert.equal((await wanting.weight(RS, 0)).result, 'done', 'asked again after a reload, it tries again');
    assert.equal((await wanting.weight(RS, 100)).result, 'done');
    assert.equal(table.weight(RS), 9);
  });

  it('counts only overwritings in a row', async () => {
    const table = new Table({ [VIP]: { [RS]: 7 } });
    const wanting = new Wanting(table, { reapply: 1 });
    await wanting.weight(RS, 0);
    for (let n = 0; n < 3; n++) {
      table.set(RS, 7);
      assert.equal((await wanting.weight(RS, 0)).result, 'done');
      assert.equal((await wanting.weight(RS, 0)).result, 'unchanged');
    }
  });

  it('never puts into service what somebody else has taken out', async () => {
    const drained = new Table({ [VIP]: { [RS]: 0 } });
    const first = new Wanting(drained);
    assert.equal((await first.weight(RS, 0)).result, 'unchanged');
    assert.equal((await first.weight(RS, 100)).result, 'unchanged');
    assert.deepEqual(drained.written, []);

    const table = new Table({ [VIP]: { [RS]: 40 } });
    const wanting = new Wanting(table);
    await wanting.weight(RS, 0);
    await wanting.weight(RS, 50);
    table.set(RS, 0);
    const left = await wanting.weight(RS, 75);
    assert.deepEqual([left.result, left.message], ['unchanged', 'left at weight 0, which somebody else has set']);
    assert.equal((await wanting.weight(RS, 100)).result, 'unchanged');
    assert.equal(table.weight(RS), 0);
  });

  it('leaves a weight that somebody has set while it was out, when it comes back', async () => {
    const table = new Table({ [VIP]: { [RS]: 7 } });
    const wanting = new Wanting(table);
    await wanting.weight(RS, 0);
    table.set(RS, 3);
    assert.deepEqual(await wanting.weight(RS, 100), {
      result: 'unchanged',
      message: 'left at weight 3, which somebody else has set (7 before)',
      note: UNTOUCHED,
    });
  });

  it('goes back to the configured weight when it can have set 0 without having noted what was', async () => {
    const table = new Table({ [VIP]: { [RS]: 0 } });
    const wanting = new Wanting(table);
    for (const note of [UNKNOWN, noted('damaged'), noted('{"was":-1}')]) {
      wanting.notes.set(RS, note);
      table.set(RS, 0);
      await wanting.weight(RS, 0);
      await wanting.weight(RS, 100);
      assert.equal(table.weight(RS), 100);
    }
  });

  it('tells once that a service or destination is not there, and acts when it is', async () => {
    const table = new Table({});
    const wanting = new Wanting(table);
    assert.match((await wanting.weight(RS, 0)).message ?? '', /^IPVS has no service 10\.0\.0\.1:80\/tcp: nothing to do/);
    table.services.set(VIP, new Map());
    assert.deepEqual(await wanting.weight(RS, 0), { result: 'unchanged', note: noted('"absent"') });
    table.set(RS, 7);
    assert.deepEqual(await wanting.weight(RS, 0), { result: 'done', note: noted('{"was":7,"set":0,"again":0}') });
    table.services.delete(VIP);
    assert.equal((await wanting.weight(RS, 100)).result, 'unchanged');
    assert.deepEqual(wanting.notes.get(RS), UNTOUCHED);
  });

  it('takes a destination that goes between reading and writing for absent', async () => {
    const table = new Table({ [VIP]: { [RS]: 7 } });
    const wanting = new Wanting(table);
    const { open } = table as unknown as { open: number };
    assert.equal(open, 0);
    table.services.get(VIP)!.has = () => false;
    assert.match((await wanting.weight(RS, 0)).message ?? '', /no destination 10\.0\.1\.2:80 under 10\.0\.0\.1:80\/tcp any more/);
  });

  it('leaves what keepalived manages, unless told otherwise, and undoes its own in any case', async () => {
    const table = new Table({ [VIP]: { [RS]: 7 } });
    table.owner = 'keepalived (pid 1, k.conf) manages this service';
    const refused = await new Wanting(table).weight(RS, 0);
    assert.equal(refused.result, 'unsupported');
    assert.match(
      refused.message ?? '',
      /^keepalived \(pid 1, k\.conf\) manages this service; let keepalived drain it .*keepalived: overwrite/,
    );
    assert.equal((await new Wanting(table, { keepalived: 'overwrite' }).weight(RS, 0)).result, 'done');

    table.set(RS, 7);
    table.owner = undefined;
    const wanting = new Wanting(table);
    await wanting.weight(RS, 0);
    table.owner = 'keepalived';
    assert.equal((await wanting.weight(RS, 100)).result, 'done');
    assert.equal(table.weight(RS), 7);
  });

  it('finds a real server whose port is 0 in the kernel or left out in the configuration, if there is one only', async () => {
    const table = new Table({ 'fwmark:7': { '10.0.1.2:0': 5 }, [VIP]: { [RS]: 7, '10.0.1.2:81': 7, '10.0.1.9:80': 4 } });
    const wanting = new Wanting(table);
    assert.equal((await wanting.weight(RS, 0, 'fwmark:7')).result, 'done');
    assert.equal((await wanting.weight('10.0.1.9', 0)).result, 'done');
    assert.match((await wanting.weight('10.0.1.2', 0)).message ?? '', /no destination/);
    assert.match((await wanting.weight('nonsense', 0)).message ?? '', /no destination/);
  });

  it('carries out a whole batch over one opening, each by its own parameters and with its own end', async () => {
    const table = new Table({ [VIP]: { [RS]: 7, '10.0.1.3:80': 2 }, '10.0.0.2:80/tcp': { [RS]: 5 } });
    table.failWrite = new Error('IPVS: the kernel answered ENOMEM');
    const wanting = new Wanting(table);
    const outcomes = await wanting.all([
      wanting.effect(RS, 0),
      wanting.effect('10.0.1.3:80', 0),
      { ...wanting.effect(RS, 0, '10.0.0.2:80/tcp'), key: 'other' },
    ]);
    assert.deepEqual(
      outcomes.map((o) => o.result),
      ['failed', 'done', 'done'],
    );
    assert.equal(outcomes[0]!.message, 'IPVS: the kernel answered ENOMEM');
    assert.deepEqual([table.opened, table.open], [1, 0]);
    assert.equal((await wanting.weight(RS, 0)).result, 'done', 'and the next try knows what was');
    await wanting.weight(RS, 100);
    assert.equal(table.weight(RS), 7);
  });

  it('fails with a remedy when IPVS is not there, and then still knows that it has touched nothing', async () => {
    const table = new Table({ [VIP]: { [RS]: 0 } });
    table.failOpen = new IpvsUnavailable('no module');
    const wanting = new Wanting(table);
    assert.deepEqual(await wanting.weight(RS, 0), { result: 'failed', message: 'no module', note: noted('"untouched"') });
    await wanting.weight(RS, 0);
    await wanting.weight(RS, 100);
    assert.equal(table.weight(RS), 0, 'it was 0 before us');
  });

  it('acts on real servers of services, rechecks, and has parameters with defaults', async () => {
    assert.deepEqual([ipvs.kinds, ipvs.scopes, ipvs.batch, ipvs.idempotent], [['realServer'], ['service'], true, true]);
    const spec = ipvs.schema.parse({});
    assert.deepEqual(spec, { keepalived: 'leave', recheck: 2000, reapply: 5, timeout: 2000 });
    assert.equal(ipvs.recheck!({ type: 'ipvs', ...spec }), 2000);
    const bare = planOf(`nics: [{name: eth2}]\nservices: [{vip: ${VIP}, realServers: [${RS}], actuator: ipvs}]\n`);
    assert.deepEqual(bare.services[0]!.actuator, { type: 'ipvs', ...spec });
    // No ip_vs where unit tests run: the real one says so, or finds no such service.
    const wanting = new Wanting(Object.assign(new Table({}), { actuator: ipvs }));
    const { result, message: said } = await wanting.weight(RS, 0);
    assert.match(`${result} ${said}`, /^failed .*modprobe ip_vs|^failed .*CAP_NET_ADMIN|^unchanged IPVS has no service/);
  });
});
