/**
 * An agent whose every secret is planted: none of them is in its log, its answers, its evidence log, or what it says of a reload.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { secretKeys } from '../../src/config/secrets.ts';
import { AgentProcess, listening, loopbackServers, QUICK, serve, until, writeConfig } from './harness.ts';

const dir = mkdtempSync(`${tmpdir()}/fourlane-agent-secrets-`);
after(() => rmSync(dir, { recursive: true }));

const SECRET = 'c0ffee5ec7e7c0ffee5ec7e7c0ffee5ec7e7c0ffee5ec7e7c0ffee5ec7e7';
/** A secret of each place has a number of its own, so that a leak names its place. */
const secret = (n: number) => `${SECRET}000${n}`;

test('no secret of the configuration leaves the agent, whatever fails', { timeout: 60_000 }, async () => {
  // Refuses everything, and quotes in its answer what it was sent.
  const parrot = createServer((req, res) =>
    res.writeHead(403, { 'x-was': JSON.stringify(req.headers) }).end(JSON.stringify(req.headers)),
  );
  await listening(parrot);
  const good = createServer((_, res) => res.end());
  const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
  const goodTls = createTlsServer({ key: pem('key'), cert: pem('cert') }, (_, res) => res.end());
  await Promise.all([listening(good, 0, '0.0.0.0'), listening(goodTls, 0, '0.0.0.0')]);
  const dead = await serve(0);
  await dead.close();
  const portOf = (server: typeof good | typeof goodTls) => (server.address() as AddressInfo).port;
  const realServers = (port: number) => [...loopbackServers(3, port), `127.1.9.9:${dead.port}`];
  const url = `http://127.0.0.1:${portOf(parrot)}`;
  const evidence = `${dir}/evidence.jsonl`;
  const headers = (n: number) => ({ Authorization: `Bearer ${secret(n)}` });
  const config = (of: 'bearerToken' | 'basic' | 'hash') => ({
    listen: '127.0.0.1:0',
    stateDir: `${dir}/state`,
    rules: QUICK,
    nics: [{ name: 'lo', onFail: [{ webhook: { url, headers: headers(1) } }] }],
    services: [
      {
        vip: '10.0.0.1:80/tcp',
        check: { type: 'http', interval: '200ms', timeout: '100ms', headers: headers(2) },
        realServers: realServers(portOf(good)),
        actuator: { webhook: { url, headers: headers(3), timeout: '1s' } },
      },
      {
        vip: '10.0.0.2:80/tcp',
        check: { type: 'ssl', interval: '200ms', timeout: '100ms', headers: headers(4) },
        realServers: realServers(portOf(goodTls)),
        actuator: { dpvs: { url, headers: headers(5) } },
      },
    ],
    opentelemetry: { endpoint: url, headers: headers(6), interval: '1s' },
    evidence: { log: evidence },
    web: {
      authentication: {
        basic: { basic: { username: 'ops', passwordSha256: secret(7).slice(0, 64) } },
        hash: {
          basic: { username: 'ops', passwordHash: `$scrypt$ln=15,r=8,p=1$${secret(9).slice(0, 22)}$${secret(9).slice(0, 43)}` },
        },
        bearerToken: { bearerToken: secret(8) },
      }[of],
    },
  });
  const written = JSON.stringify([config('basic'), config('hash'), config('bearerToken')]);
  for (const key of secretKeys()) assert.ok(written.includes(`"${key}"`), `${key} is planted`);

  const file = writeConfig(dir, config('basic'));
  const agent = await AgentProcess.start(file);
  const seen: string[] = [];
  try {
    await until('both actuators and the export fail', 20_000, () =>
      [/^realServer 10\.0\.0\.1.*failed/, /^realServer 10\.0\.0\.2.*failed/, /^OpenTelemetry: .*not exported/].every((m) =>
        agent.logged(m),
      ),
    );
    const look = async () => {
      const paths = ['/', '/metrics', '/api/v1/status', '/api/v1/verdicts', '/api/v1/why?nic=lo', '/-/ready'];
      for (const path of paths) seen.push((await agent.ask(path)).text);
    };
    await look();
    const changes = () => agent.log.filter(({ message }) => message.startsWith('config: web changed')).length;
    for (const [k, of] of (['hash', 'bearerToken'] as const).entries()) {
      writeConfig(dir, config(of));
      agent.signal('SIGHUP');
      await until('the reload', 10_000, () => changes() === k + 1);
    }
    writeConfig(dir, { ...config('basic'), web: { authentication: { bearerToken: `${secret(8)} ` } } });
    agent.signal('SIGHUP');
    await until('the refusal', 10_000, () => agent.logged(/^config not applied/));
    await look();
  } finally {
    await agent.end('SIGTERM');
    for (const server of [parrot, good, goodTls]) {
      server.close();
      server.closeAllConnections();
    }
  }
  seen.push(JSON.stringify(agent.log), readFileSync(evidence, 'utf8'));
  for (const text of seen) {
    assert.ok(text.length > 0);
    const at = text.indexOf(SECRET.slice(0, 24));
    assert.equal(at, -1, text.slice(Math.max(0, at - 200), at + 100));
  }
});
