/** Routing daemons that are gone, hang, restart, refuse, or answer what nobody expects. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { decodeSummary } from '../../src/routing/frr/decode.ts';
import { parseAnswer, VtyFraming } from '../../src/routing/frr/vty.ts';
import { BirdFraming, parseLines } from '../../src/routing/bird/socket.ts';
import { decodeProtocols, decodeRoutes, secondsSince } from '../../src/routing/bird/decode.ts';
import type { Framing } from '../../src/sys/unix-dialogue.ts';
import { birdState, BIRD_EDGE, FRR_EDGE, frrState, Machine, recording, vty } from './bgp.fake.ts';

const cleanups: Machine[] = [];
after(() => {
  for (const machine of cleanups) machine.close();
});

function machine(edge = {}): Machine {
  const made = new Machine({ edge });
  cleanups.push(made);
  return made;
}

async function failure(made: Machine, limitMs = 2000): Promise<string> {
  const reading = await made.read(limitMs);
  assert.equal(reading.state, 'failed', JSON.stringify(reading));
  return reading.state === 'failed' ? reading.reason : '';
}

/** How many bytes of a text, fed in pieces of `size`, belong to the answer. */
function endOf(framing: Framing, bytes: Buffer, size: number): number | undefined {
  for (let at = 0; at < bytes.length; at += size) {
    const end = framing.take(bytes.subarray(at, at + size));
    if (end !== undefined) return at + end;
  }
  return undefined;
}

describe('where answers end', () => {
  it('FRR: four bytes from the first NUL on, whatever the status and however it comes in pieces', () => {
    for (const name of ['ok-prefix', 'missing-prefix', 'rc1-no-such-neighbor', 'rc2-unknown-command', 'rc0-empty-enable']) {
      const bytes = recording(`frr-8.4.4/wire/${name}.bin`);
      for (const size of [1, 2, 3, 5, 1000])
        assert.equal(endOf(new VtyFraming(), bytes, size), bytes.length, `${name} by ${size}`);
      assert.equal(endOf(new VtyFraming(), bytes.subarray(0, -1), 7), undefined, `${name} without its last byte`);
    }
    assert.equal(endOf(new VtyFraming(), recording('frr-8.4.4/wire/three-pipelined.bin'), 1000), 4, 'the first of three');
    assert.equal(parseAnswer(recording('frr-8.4.4/wire/rc1-no-such-neighbor.bin')).status, 1);
    assert.throws(() => endOf(new VtyFraming(), Buffer.from('a\0b'), 1), /NUL within an answer/);
  });

  it('BIRD: the first line whose code a blank follows', () => {
    const bytes = recording('bird-2.0.12/established/protocols_all.txt');
    const greeting = bytes.indexOf(0x0a) + 1;
    for (const size of [1, 2, 3, 4, 5, 6, 1000]) {
      assert.equal(endOf(new BirdFraming(), bytes, size), greeting);
      assert.equal(endOf(new BirdFraming(), bytes.subarray(greeting), size), bytes.length - greeting, `by ${size}`);
    }
    assert.equal(endOf(new BirdFraming(), Buffer.from('1002-0000 \n 0000 \n'), 1000), undefined, 'a code within a line is none');
    assert.throws(() => parseLines('no code\n'), /found "no code"/);
  });
});

describe('daemons that do not answer', () => {
  it('no socket at all is no fault', async () => {
    const made = machine();
    const reading = await made.read();
    assert.ok(reading.state === 'absent' && reading.reason === `there is no ${made.folder}/bgpd.vty or ${made.folder}/bird.ctl`);
    assert.equal(await made.source.run(), undefined);
  });

  it('a socket that nobody listens at is left by one that ended', async () => {
    const made = machine();
    const path = join(made.folder, 'bgpd.vty');
    const stale = createServer().listen(path);
    await new Promise((resolve) => stale.once('listening', resolve));
    // Closing would remove the file: a process that is killed does not.
    (stale as unknown as { _handle: { close: () => void } })._handle.close();
    if ((await made.read()).state === 'absent') writeFileSync(path, '');
    assert.match(await failure(made), /bgpd\.vty: nobody listens: bgpd has ended and left its socket behind/);
  });

  it('one that hangs is given up after a second, and asked on a new connection', async () => {
    const made = machine(FRR_EDGE);
    const daemon = made.bgpd(() => undefined);
    const started = performance.now();
    assert.match(await failure(made), /bgpd\.vty: does not answer: bgpd hangs, or is busy/);
    assert.ok(performance.now() - started < 1500);
    daemon.answer = frrState('established');
    assert.equal((await made.data()).up[0]!.sessions.length, 3);
    assert.equal(daemon.clients.size, 1, 'the first connection is closed');
  });

  it('bfdd that hangs costs its own sessions and nothing else', async () => {
    const made = machine(FRR_EDGE);
    made.bgpd(frrState('established'));
    made.bfdd(() => undefined);
    const { up } = await made.data();
    assert.equal(up[0]!.sessions.length, 3);
    assert.match(up[0]!.bfdProblem!, /bfdd\.vty: does not answer/);
    assert.match(made.warnings.join(), /bfdd\.vty: does not answer/);
  });

  it('one of two is enough for data; the other one is down', async () => {
    const made = machine(BIRD_EDGE);
    made.bgpd(() => undefined);
    made.bird(birdState('established'));
    const data = await made.data();
    assert.deepEqual(
      data.up.map((d) => d.daemon),
      ['bird'],
    );
    assert.deepEqual(
      data.down.map((d) => d.daemon),
      ['bgpd'],
    );
  });

  it('one that closes the connection is asked again next time', async () => {
    const made = machine(FRR_EDGE);
    const daemon = made.bgpd(frrState('established'));
    await made.data();
    for (const client of daemon.clients) client.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await made.data()).up.length, 1);
    daemon.answer = (_, client) => void client.end();
    assert.match(await failure(made), /closed the connection: bgpd is ending/);
  });

  it('another run of a daemon is another run of the source', async () => {
    const made = machine();
    const daemon = made.bgpd(frrState('established'));
    const before = await made.source.run();
    assert.ok(before !== undefined);
    daemon.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    made.bgpd(frrState('established'));
    assert.notEqual(await made.source.run(), before);
  });

  it('the end of the reading ends the question', async () => {
    const made = machine();
    made.bgpd(() => undefined);
    assert.match(await failure(made, 50), /timeout|aborted/i);
  });
});

describe('answers that are none', () => {
  const answered = (text: string, status = 0) => {
    const made = machine(FRR_EDGE);
    made.bgpd(() => vty(text, status));
    return failure(made);
  };

  it('are refused with what was found', async () => {
    assert.match(
      await answered('% [BGP] Unknown command: show bgp vrf all summary json\n', 2),
      /summary json: status 2: % \[BGP\] Unknown command/,
    );
    assert.match(await answered('not json'), /found "not json"; expected JSON/);
    assert.match(await answered('{"default":{"ipv4Unicast":{"peers":{"10.1.1.1":{}}}}}'), /state/);
    assert.match(
      await answered('{"default":{"ipv4Unicast":{"peers":{"10.1.1.1":{"state":"Odd"}}}}}'),
      /10\.1\.1\.1: found the state Odd/,
    );
    assert.match(await answered('{"default":{"ipv4Unicast":{"peers":{"10.1.1.1":{"state":"Idle","pfxSnt":-1}}}}}'), /pfxSnt/);
  });

  it('more than one answer to a question ends the connection', async () => {
    const made = machine();
    made.bgpd(() => Buffer.concat([vty('{}'), vty('{}')]));
    assert.match(await failure(made), /came after the answer/);
  });

  it('BIRD that does not greet as BIRD is not believed', async () => {
    const made = machine();
    made.bird(birdState('established'), '220 mail ready\n0001 x\n');
    assert.match(await failure(made), /found "220 mail ready"|greets with/);
    const other = machine();
    other.bird((command) => (command === 'restrict' ? '9001 syntax error\n' : '0000 \n'));
    assert.match(await failure(other), /answers restrict with "syntax error"/);
  });

  it('no router at all is no session', () => {
    assert.deepEqual(decodeSummary('x', '{}'), { sessions: [], routes: 0 });
    assert.deepEqual(decodeSummary('x', ''), { sessions: [], routes: 0 });
  });

  it('of BIRD: what is not there, and what is not understood', () => {
    assert.deepEqual(decodeRoutes('x', parseLines('8001 Network not found\n')), []);
    assert.deepEqual(decodeRoutes('x', parseLines('9001 No valid tables\n')), []);
    assert.throws(() => decodeRoutes('x', parseLines('9001 syntax error\n')), /x: found "syntax error"; expected routes/);
    assert.throws(() => decodeProtocols('x', parseLines('8007 Access denied\n')), /expected a list of protocols/);
    assert.throws(() => decodeProtocols('x', parseLines('1002-odd\n0000 \n')), /expected name, type, table, state, time/);
  });

  it('of BIRD: times with a date, without, and across midnight', () => {
    assert.equal(secondsSince('04:15:29.079', '2026-11-28 04:15:30.579'), 1.5);
    assert.equal(secondsSince('23:59:59', '2026-11-28 00:00:01'), 2);
    assert.equal(secondsSince('2026-11-27 04:15:30', '2026-11-28 04:15:30'), 86_400);
    assert.equal(secondsSince('2026-11-26', '2026-11-28 00:00:09'), 86_410);
    assert.equal(secondsSince('soon', '2026-11-28 00:00:09'), undefined);
  });
});
