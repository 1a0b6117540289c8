/** `fourlane sync compare` on recordings of two kernels that synchronise, through what an agent answers of them. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { syncCommand } from '../../src/cli/sync.ts';
import { answerOf, recordedSync } from '../collect/sync.recorded.ts';

const answered = (name: string) => JSON.stringify(answerOf(recordedSync(name), name));

describe('fourlane sync compare', () => {
  const servers: Server[] = [];
  after(() => servers.forEach((server) => server.close()));
  const agent = async (text: string): Promise<string> => {
    const server = createServer((_, answer) => answer.end(text));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const run = async (...argv: readonly string[]) => {
    let [out, err] = ['', ''];
    const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
    const status = await syncCommand(argv, io);
    return { status, out, err };
  };

  it('prints the table, the share and what is wrong', async () => {
    const url = await agent(answered('3b-link-up-again.m'));
    const peer = await agent(answered('3b-link-up-again.b'));
    const { status, out } = await run('compare', '--url', url, '--peer', peer);
    assert.equal(status, 2);
    assert.equal(
      out,
      'SERVICE           REAL SERVER  MASTER  BACKUP\n' +
        '10.0.0.10:80/tcp  10.2.0.2:80  500     200\n' +
        'a fail-over keeps 40.0 % of the connections; the master is here\n',
    );
    assert.equal((await run('compare', '--url', url, '--peer', peer, '--least', '40')).status, 0);
    const none = await run('compare', '--url', url, '--peer', url);
    assert.deepEqual([none.status, none.out], [1, '']);
    assert.match(none.err, /no pair/);
  });

  it('refuses what it cannot use', async () => {
    await assert.rejects(run('compare'), /ask `sync compare --peer URL`/);
    await assert.rejects(run('compare', '--peer', 'http://x', '--least', '101'), /--least is 0 to 100/);
    const stranger = await agent('hello');
    const strange = await run('compare', '--url', stranger, '--peer', stranger);
    assert.equal(strange.status, 3);
    assert.match(strange.err, /^fourlane: no agent at http\S+ \(this is no answer of \/api\/v1\/sync/);
    const nowhere = await run('compare', '--url', 'nowhere', '--peer', stranger);
    assert.deepEqual(nowhere, { status: 3, out: '', err: 'fourlane: no agent at nowhere (this is no URL)\n' });
  });
});
