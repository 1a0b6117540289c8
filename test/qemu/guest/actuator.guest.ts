/** The ipvs actuator on a real kernel: what it does not mean to change stays as it was. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Outcome } from '../../../src/act/actuator.ts';
import { get, ipvsadm, makeNetwork, RS, RS6, saved, serveBoth, table, VIP, VIP6, weightOf } from './net.ts';
import { Wanting } from './wanting.ts';

const WEB = `${VIP}:80`;

describe('the ipvs actuator', () => {
  before(async () => {
    makeNetwork();
    await serveBoth();
  });
  after(() => void ipvsadm('-C'));

  it('takes destinations of every kind out and puts them back as they were, to the letter', async () => {
    table(
      `-A -t ${WEB} -s wrr`,
      `-a -t ${WEB} -r 10.1.0.21:80 -m -w 7 -x 1000 -y 500`,
      `-a -t ${WEB} -r 10.1.0.22:80 -g -w 1`,
      `-a -t ${WEB} -r 10.1.0.23:80 -i -w 65535 -x 9`,
      `-a -t ${WEB} -r 10.1.0.24:80 -i -w 3 --tun-type gue --tun-port 6080 --tun-nocsum`,
      `-a -t ${WEB} -r 10.1.0.25:80 -i -w 3 --tun-type gre --tun-csum -x 5 -y 4`,
      `-A -u ${VIP}:53 -s sh -p 60 -M 255.255.255.0`,
      `-a -u ${VIP}:53 -r ${RS.rs1}:53 -m -w 2`,
      `-A -t [${VIP6}]:80 -s mh -b mh-port,mh-fallback`,
      `-a -t [${VIP6}]:80 -r [${RS6.rs1}]:80 -m -w 7 -x 10`,
      `-a -t [${VIP6}]:80 -r 10.1.0.21:80 -i -w 7`,
      '-A -f 7 -s wlc',
      `-a -f 7 -r ${RS.rs1}:0 -g -w 5`,
      '-A -f 6 -6 -s wlc',
      `-a -f 6 -6 -r [${RS6.rs1}]:0 -g -w 5 -x 3`,
    );
    const realServers: Readonly<Record<string, readonly string[]>> = {
      [`${WEB}/tcp`]: [21, 22, 23, 24, 25].map((n) => `10.1.0.${n}:80`),
      [`${VIP}:53/udp`]: [`${RS.rs1}:53`],
      [`[${VIP6}]:80/tcp`]: [`[${RS6.rs1}]:80`, '10.1.0.21:80'],
      // Without a port in the kernel, and with one in the configuration, where it is checked.
      'fwmark:7': [`${RS.rs1}:80`],
      'fwmark:6': [`[${RS6.rs1}]:80`],
    };
    const before = saved();
    assert.equal(before.match(/-w [1-9]/g)?.length, 10);
    const wanting = Object.entries(realServers).map(([vip, list]) => [new Wanting(vip), list] as const);
    const each = async (act: (wanting: Wanting, rs: string) => Promise<Outcome>, result: Outcome['result']) => {
      for (const [w, list] of wanting) for (const rs of list) assert.equal((await act(w, rs)).result, result, rs);
    };
    await each((w, rs) => w.out(rs), 'done');
    assert.equal(saved(), before.replace(/-w \d+/g, '-w 0'));
    await each((w, rs) => w.out(rs), 'unchanged');
    await each((w, rs) => w.back(rs), 'done');
    assert.equal(saved(), before);
  });

  it('sends no new connection to what is out, and the others go on', async () => {
    table(`-A -t ${WEB} -s rr`, `-a -t ${WEB} -r ${RS.rs1}:80 -m -w 7`, `-a -t ${WEB} -r ${RS.rs2}:80 -m -w 2`);
    const wanting = new Wanting(`${WEB}/tcp`);
    await wanting.out(`${RS.rs1}:80`);
    assert.deepEqual(await get(4), ['rs2', 'rs2', 'rs2', 'rs2']);
    await wanting.back(`${RS.rs1}:80`);
    assert.deepEqual(await get(4), ['rs1', 'rs1', 'rs2', 'rs2']);
  });

  it('brings back slowly, in parts of the weight that was', async () => {
    table(`-A -t ${WEB} -s wrr`, `-a -t ${WEB} -r ${RS.rs1}:80 -m -w 40`);
    const wanting = new Wanting(`${WEB}/tcp`);
    const weights: (number | undefined)[] = [];
    for (const part of [0, 5, 50, 100]) {
      await wanting.weight(`${RS.rs1}:80`, part);
      weights.push(weightOf(WEB, `${RS.rs1}:80`));
    }
    assert.deepEqual(weights, [0, 2, 20, 40]);
  });

  it('puts its weight again over another one, so many times, and gives the other one back', async () => {
    table(`-A -t ${WEB} -s wrr`, `-a -t ${WEB} -r ${RS.rs1}:80 -m -w 7`);
    const wanting = new Wanting(`${WEB}/tcp`, { reapply: 2 });
    await wanting.out(`${RS.rs1}:80`);
    for (const result of ['done', 'done', 'unsupported']) {
      ipvsadm(`-e -t ${WEB} -r ${RS.rs1}:80 -m -w 9`);
      const outcome = await wanting.out(`${RS.rs1}:80`);
      assert.deepEqual([outcome.result, outcome.differs], [result, true]);
    }
    assert.equal(weightOf(WEB, `${RS.rs1}:80`), 9);
    assert.equal((await wanting.back(`${RS.rs1}:80`)).result, 'unchanged');
    assert.equal(weightOf(WEB, `${RS.rs1}:80`), 9);
  });

  it('leaves one at 0 that somebody else has drained', async () => {
    table(`-A -t ${WEB} -s wrr`, `-a -t ${WEB} -r ${RS.rs1}:80 -m -w 0`);
    const wanting = new Wanting(`${WEB}/tcp`);
    assert.equal((await wanting.out(`${RS.rs1}:80`)).result, 'unchanged');
    assert.equal((await wanting.back(`${RS.rs1}:80`)).result, 'unchanged');
    assert.equal(weightOf(WEB, `${RS.rs1}:80`), 0);
  });

  it('tells once what is not there, and acts when it appears', async () => {
    table();
    const wanting = new Wanting(`${WEB}/tcp`);
    const first = await wanting.out(`${RS.rs1}:80`);
    assert.deepEqual(
      [first.result, first.message],
      ['unchanged', `IPVS has no service ${WEB}/tcp: nothing to do until it appears`],
    );
    assert.equal((await wanting.out(`${RS.rs1}:80`)).message, undefined);
    ipvsadm(`-A -t ${WEB} -s wrr`);
    assert.equal((await wanting.out(`${RS.rs1}:80`)).result, 'unchanged');
    ipvsadm(`-a -t ${WEB} -r ${RS.rs1}:80 -m -w 7`);
    assert.equal((await wanting.out(`${RS.rs1}:80`)).result, 'done');
    ipvsadm(`-d -t ${WEB} -r ${RS.rs1}:80`);
    assert.match((await wanting.out(`${RS.rs1}:80`)).message ?? '', /no destination/);
    ipvsadm(`-a -t ${WEB} -r ${RS.rs1}:80 -m -w 8`);
    assert.equal((await wanting.out(`${RS.rs1}:80`)).result, 'done');
    assert.equal((await wanting.back(`${RS.rs1}:80`)).result, 'done');
    assert.match(saved(), /-r 10.1.0.11:80 -m -w 8\n/);
  });
});
