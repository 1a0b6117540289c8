/**
 * Checks with and without a PROXY protocol header against real nginx and haproxy, with and without it: who answers what, as one
 * table, and what a check can see of a mismatch. Needs root.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { table } from '../../src/cli/output.ts';
import { passthroughCommand } from '../../src/cli/passthrough.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { brief, probe } from '../checks/harness.ts';
import { enterOwnNetwork, until, writeConfig } from './harness.ts';

const LISTENERS = { 'nginx proxy_protocol': 8001, nginx: 8002, 'haproxy accept-proxy': 8003, haproxy: 8004 } as const;
const NAMES = Object.keys(LISTENERS) as (keyof typeof LISTENERS)[];
const CLIENT = '192.0.2.77';

const NGINX = (dir: string) => `daemon off; master_process off; pid ${dir}/nginx.pid; error_log ${dir}/error.log;
events {}
http {
  access_log off; client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
  server { listen 8001 proxy_protocol; set_real_ip_from 127.0.0.0/8; real_ip_header proxy_protocol;
    location / { return 200 "client $remote_addr\\n"; } }
  server { listen 8005 proxy_protocol;
    location / { return 200 "client $remote_addr\\n"; } }
  server { listen 8002; location / { return 200 "client $remote_addr\\n"; } }
}`;

const HAPROXY = `global
  stats timeout 1s
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend proxied
  bind :8003 accept-proxy
  http-request return status 200 content-type text/plain lf-string "client %[src]\\n"
frontend plain
  bind :8004
  http-request return status 200 content-type text/plain lf-string "client %[src]\\n"
`;

const dir = mkdtempSync(join(tmpdir(), 'fourlane-proxy-'));
const children: ChildProcess[] = [];

before(async () => {
  ensure(['iproute2', 'nginx-light', 'haproxy']);
  enterOwnNetwork();
  writeFileSync(`${dir}/nginx.conf`, NGINX(dir));
  writeFileSync(`${dir}/haproxy.cfg`, HAPROXY);
  for (const [program, ...argv] of [
    ['nginx', '-p', dir, '-c', `${dir}/nginx.conf`],
    ['haproxy', '-db', '-f', `${dir}/haproxy.cfg`],
  ])
    children.push(spawn(program!, argv, { stdio: 'ignore' }));
  process.once('exit', () => children.forEach((child) => child.kill('SIGKILL')));
  for (const name of NAMES)
    await until(`${name} listens`, 10_000, async () => (await probe('tcp', {}, LISTENERS[name])).outcome === 'ok');
});
after(() => {
  children.forEach((child) => child.kill('SIGKILL'));
  rmSync(dir, { recursive: true });
});

const header = (version: string, as: string) => ({ proxyProtocol: { version, as } });
const AS_CLIENT = { contains: `client ${CLIENT}` };
const AS_ITSELF = { contains: 'client 127.0.0.1' };

interface Row {
  readonly name: string;
  readonly type: string;
  readonly check: object;
  /** Where a header is expected, and where it is not. */
  readonly expecting: string;
  readonly plain: string;
}

const SERVED = 'ok match none 0';
const REFUSED = 'l7 match proxy_header 400';
const ROWS: readonly Row[] = [
  { name: 'tcp, connection only', type: 'tcp', check: {}, expecting: 'ok connect none 0', plain: 'ok connect none 0' },
  { name: 'http, no header', type: 'http', check: AS_ITSELF, expecting: 'l7 response closed 0', plain: SERVED },
  ...['v1', 'v2'].flatMap((version): Row[] => [
    {
      name: `http, ${version} local`,
      type: 'http',
      check: { ...header(version, 'local'), ...AS_ITSELF },
      expecting: SERVED,
      plain: REFUSED,
    },
    {
      name: `http, ${version} client`,
      type: 'http',
      check: { ...header(version, 'client'), ...AS_CLIENT },
      expecting: SERVED,
      plain: REFUSED,
    },
  ]),
];

describe('PROXY protocol', () => {
  it('is answered as the table shows: a TCP check sees no mismatch, an HTTP check names it', { timeout: 20_000 }, async () => {
    const seen = new Map<string, readonly string[]>();
    for (const { name, type, check } of ROWS) {
      const answers: string[] = [];
      for (const listener of NAMES) answers.push(brief(await probe(type, check, LISTENERS[listener], { timeout: 2000 })));
      seen.set(name, answers);
    }
    console.log(table([['check', ...NAMES], ...[...seen].map(([name, answers]) => [name, ...answers])]));
    for (const { name, expecting, plain } of ROWS) {
      const wanted = NAMES.map((listener) => (listener.includes('prox') && listener.includes(' ') ? expecting : plain));
      assert.deepEqual(seen.get(name), wanted, name);
    }
  });

  it('fourlane passthrough: what is declared against what the real servers do', { timeout: 20_000 }, async () => {
    const header = { type: 'http', proxyProtocol: 'v2' };
    const one = (name: string, vip: number, port: number, more: object) => ({
      name,
      vip: `10.0.0.${vip}:80/tcp`,
      realServers: [`127.0.0.1:${port}`],
      ...more,
    });
    const v2 = { mode: 'proxy-v2', echo: '/whoami' };
    const file = writeConfig(dir, {
      stateDir: dir,
      nics: [{ name: 'lo' }],
      services: [
        one('good', 1, 8001, { check: header, passthrough: v2 }),
        one('haproxy', 2, 8003, { check: header, passthrough: v2 }),
        one('plain', 3, 8002, { check: 'http', passthrough: v2 }),
        one('lost', 4, 8005, { check: header, passthrough: v2 }),
        one('toa', 5, 8002, { check: 'http', passthrough: { mode: 'toa' } }),
        one('surprise', 6, 8001, { check: header, passthrough: { mode: 'none' } }),
        one('gone', 7, 8099, { passthrough: v2 }),
      ],
      checks: { http: { type: 'http' } },
    });
    const said: string[] = [];
    const io = { out: (text: string) => void said.push(text), err: () => undefined };
    assert.equal(await passthroughCommand(['--config', file], io), 1);
    console.log(said.join(''));
    const found = said
      .join('')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(/ {2,}/));
    const of = (service: string) =>
      found.filter(([name]) => name === service).map(([, , level, verdict]) => `${level} ${verdict}`);
    assert.deepEqual(of('good'), ['P0 ok', 'P1 ok', 'P2 ok']);
    assert.deepEqual(of('haproxy'), ['P0 ok', 'P1 ok', 'P2 ok']);
    assert.deepEqual(of('plain'), ['P0 MISMATCH', 'P1 MISMATCH']);
    assert.deepEqual(of('lost'), ['P0 ok', 'P1 ok', 'P2 MISMATCH']);
    assert.match(said.join(''), /lost .* it takes this load balancer for the client: the address is lost/);
    assert.deepEqual(of('toa'), ['P0 ok', 'P1 ok']);
    assert.deepEqual(of('surprise'), ['P0 MISMATCH', 'P1 MISMATCH']);
    assert.deepEqual(of('gone'), ['P0 ok', 'P1 MISMATCH']);
    said.length = 0;
    assert.equal(await passthroughCommand(['--config', file, '--service', 'good'], io), 0);
  });
});
