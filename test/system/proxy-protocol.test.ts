/**
 * Checks with and without a PROXY protocol header against real nginx and haproxy, with and without it: who answers what, as one
 * table, and what a check can see of a mismatch. Needs root.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { table } from '../../src/cli/output.ts';
import { passthroughCommand } from '../../src/cli/passthrough.ts';
import { ensure } from '../../src/lab/ensure.ts';
import { brief, probe } from '../checks/harness.ts';
import type { WhyReport } from '../../src/report/why.ts';
import { AgentProcess, enterOwnNetwork, QUICK, run, until, writeConfig } from './harness.ts';
import {
  askMatrix,
  MATRIX_HAPROXY,
  MATRIX_LISTENERS,
  MATRIX_NGINX_HTTP,
  MATRIX_NGINX_STREAM,
  recordedMatrix,
} from './proxy-matrix.ts';

const LISTENERS = { 'nginx proxy_protocol': 8001, nginx: 8002, 'haproxy accept-proxy': 8003, haproxy: 8004 } as const;
const NAMES = Object.keys(LISTENERS) as (keyof typeof LISTENERS)[];
const TLS = {
  'nginx ssl proxy_protocol': 8006,
  'nginx ssl': 8007,
  'haproxy ssl accept-proxy': 8008,
  'haproxy ssl': 8009,
} as const;
const CLIENT = '192.0.2.77';
const pem = (name: string) => new URL(`../fixtures/tls/${name}.pem`, import.meta.url).pathname;

const NGINX = (dir: string) => `load_module /usr/lib/nginx/modules/ngx_stream_module.so; daemon off;
master_process off; pid ${dir}/nginx.pid; error_log ${dir}/error.log;
events {}
http {
  access_log off; client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
  server { listen 8001 proxy_protocol; set_real_ip_from 127.0.0.0/8; real_ip_header proxy_protocol;
    location / { return 200 "client $remote_addr\\n"; } }
  server { listen 8005 proxy_protocol;
    location / { return 200 "client $remote_addr\\n"; } }
  server { listen 8002; location / { return 200 "client $remote_addr\\n"; } }
  ssl_certificate ${pem('cert')}; ssl_certificate_key ${pem('key')};
  server { listen 8006 ssl proxy_protocol; set_real_ip_from 127.0.0.0/8; real_ip_header proxy_protocol;
    location / { return 200 "client $remote_addr\\n"; } }
  server { listen 8007 ssl; location / { return 200 "client $remote_addr\\n"; } }
  server { listen 8010 ssl proxy_protocol default_server; ssl_reject_handshake on; }
  server { listen 8010 ssl proxy_protocol; server_name web.test; set_real_ip_from 127.0.0.0/8; real_ip_header proxy_protocol;
    location / { return 200 "client $remote_addr $remote_port\\n"; } }
${MATRIX_NGINX_HTTP}
}
${MATRIX_NGINX_STREAM}`;

const HAPROXY = (dir: string) => `global
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
frontend proxied_tls
  bind :8008 accept-proxy ssl crt ${dir}/both.pem
  http-request return status 200 content-type text/plain lf-string "client %[src]\\n"
frontend tls
  bind :8009 ssl crt ${dir}/both.pem
  http-request return status 200 content-type text/plain lf-string "client %[src]\\n"
# Stand for load balancers: full NAT in user space, from an address that set_real_ip_from has, and from one that it lacks.
frontend lb_good
  bind :8021
  mode tcp
  default_backend lb_good
backend lb_good
  mode tcp
  server rs 127.0.0.1:8001 send-proxy-v2
frontend lb_lost
  bind :8022
  mode tcp
  default_backend lb_lost
backend lb_lost
  mode tcp
  source 10.0.0.17
  server rs 127.0.0.1:8001 send-proxy-v2
frontend lb_tls
  bind :8023
  mode tcp
  default_backend lb_tls
backend lb_tls
  mode tcp
  server rs 127.0.0.1:8010 send-proxy-v2
frontend lb_tls_lost
  bind :8024
  mode tcp
  default_backend lb_tls_lost
backend lb_tls_lost
  mode tcp
  source 10.0.0.17
  server rs 127.0.0.1:8010 send-proxy-v2
${MATRIX_HAPROXY}`;

/** Where their VIPs lead: the client's address stays as it is. */
const VIPS = `table ip vips {
  chain out {
    type nat hook output priority -100
    ip daddr 203.0.113.1 tcp dport 80 dnat to 192.0.2.9:8021
    ip daddr 203.0.113.2 tcp dport 80 dnat to 192.0.2.9:8022
    ip daddr 203.0.113.16/28 tcp dport 443 dnat to 192.0.2.9:8023
    ip daddr 203.0.113.32/28 tcp dport 443 dnat to 192.0.2.9:8024
  }
}
`;

const dir = mkdtempSync(join(tmpdir(), 'fourlane-proxy-'));
const children: ChildProcess[] = [];

before(async () => {
  ensure(['iproute2', 'nftables', 'nginx-light', 'libnginx-mod-stream', 'haproxy']);
  enterOwnNetwork();
  for (const command of [
    'ip addr add 10.0.0.17/32 dev lo',
    'ip link add net0 type veth peer name net1',
    'ip link set net1 up',
    'ip addr add 192.0.2.9/24 dev net0',
    'ip link set net0 up',
    'ip route add default dev net0',
  ])
    run(command);
  run('nft -f -', VIPS);
  writeFileSync(`${dir}/nginx.conf`, NGINX(dir));
  writeFileSync(`${dir}/both.pem`, readFileSync(pem('cert'), 'utf8') + readFileSync(pem('key'), 'utf8'));
  writeFileSync(`${dir}/haproxy.cfg`, HAPROXY(dir));
  for (const [program, ...argv] of [
    ['nginx', '-p', dir, '-c', `${dir}/nginx.conf`],
    ['haproxy', '-db', '-f', `${dir}/haproxy.cfg`],
  ])
    children.push(spawn(program!, argv, { stdio: 'ignore' }));
  process.once('exit', () => children.forEach((child) => child.kill('SIGKILL')));
  for (const [name, port] of Object.entries({ ...LISTENERS, ...TLS, ...MATRIX_LISTENERS }))
    await until(`${name} listens`, 10_000, async () => (await probe('tcp', {}, port)).outcome === 'ok');
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

const TLS_REFUSED = ['l7 tls proxy_header 400', 'l7 tls closed 0'] as const;
/** Name, check, and what each listener of TLS makes of it. */
const TLS_ROWS: readonly (readonly [string, object, ...(readonly string[])])[] = [
  ['ssl, no header', AS_ITSELF, 'l7 tls closed 104', SERVED, 'l7 tls closed 104', SERVED],
  ...['v1', 'v2'].flatMap((version) =>
    [['local', AS_ITSELF] as const, ['client', AS_CLIENT] as const].map(
      ([as, wanted]) =>
        [`ssl, ${version} ${as}`, { ...header(version, as), ...wanted }, SERVED, TLS_REFUSED[0], SERVED, TLS_REFUSED[1]] as const,
    ),
  ),
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
    assert.deepEqual(of('gone'), ['P0 ok', 'P1 not seen']);
    said.length = 0;
    assert.equal(await passthroughCommand(['--config', file, '--service', 'good'], io), 0, said.join(''));
  });

  it('every header, right or wrong, is answered as recorded: 34 headers, 8 listeners', { timeout: 20_000 }, async () => {
    const matrix = await askMatrix();
    const letters = Object.keys(MATRIX_LISTENERS);
    console.log(
      table([['sent', ...letters], ...Object.entries(matrix).map(([name, row]) => [name, ...letters.map((l) => row[l]!)])]),
    );
    assert.deepEqual(matrix, recordedMatrix);
  });

  it('stands before the TLS handshake of an ssl check', { timeout: 20_000 }, async () => {
    const rows: (readonly string[])[] = [];
    for (const [name, check] of TLS_ROWS) {
      const answers: string[] = [name];
      for (const port of Object.values(TLS)) answers.push(brief(await probe('ssl', check, port, { timeout: 2000 })));
      rows.push(answers);
    }
    console.log(table([['check', ...Object.keys(TLS)], ...rows]));
    assert.deepEqual(
      rows.map(([, ...answers]) => answers),
      TLS_ROWS.map(([, , ...wanted]) => wanted),
    );
  });

  it('P3 asks with TLS, under the name and with the verification of the check', { timeout: 20_000 }, async () => {
    const one = (name: string, vip: string, check: object) => ({
      name,
      vip: `${vip}:443/tcp`,
      realServers: ['127.0.0.1:8010'],
      check: { type: 'ssl', host: 'web.test', proxyProtocol: 'v2', ...check },
      passthrough: { mode: 'proxy-v2', echo: '/whoami', through: ['vip'] },
    });
    const file = writeConfig(dir, {
      stateDir: dir,
      nics: [{ name: 'lo' }],
      snat: { pool: '10.0.0.0/24', servers: 16, cores: 16, server: 1, groups: { lo: 0 } },
      services: [
        one('verified', '203.0.113.17', { verify: true, ca: pem('cert') }),
        one('tls-lost', '203.0.113.32', {}),
        one('untrusted', '203.0.113.18', { verify: true }),
        one('other-name', '203.0.113.19', { host: 'other.test' }),
        one('no-name', '203.0.113.20', { sni: false }),
        one('in-the-clear', '203.0.113.21', { type: 'http' }),
        one('no-ca', '203.0.113.22', { verify: true, ca: '/nowhere' }),
      ],
    });
    const said: string[] = [];
    assert.equal(await passthroughCommand(['--config', file], { out: (text) => void said.push(text), err: () => undefined }), 1);
    console.log(said.join(''));
    const cells = said
      .join('')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(/ {2,}/));
    const wanted: readonly (readonly [string, string, RegExp])[] = [
      ['verified', 'ok', /^real servers see 192\.0\.2\.9, the client that asked$/],
      ['tls-lost', 'MISMATCH', /^real servers see 10\.0\.0\.17 of the SNAT pool.* \(8 of 8 connections\)$/],
      ['untrusted', 'not seen', /^TLS with the VIP fails: DEPTH_ZERO_SELF_SIGNED_CERT/],
      ['other-name', 'not seen', /^TLS with the VIP fails: ERR_SSL_TLSV1_UNRECOGNIZED_NAME/],
      ['no-name', 'not seen', /^TLS with the VIP fails: ERR_SSL_TLSV1_UNRECOGNIZED_NAME/],
      ['in-the-clear', 'not seen', /^the echo behind the VIP answers 400, needs 200/],
      ['no-ca', 'not seen', /^its check's ca cannot be used: ENOENT/],
    ];
    assert.equal(cells.length, wanted.length);
    for (const [k, [service, verdict, found]] of wanted.entries()) {
      assert.deepEqual(cells[k]!.slice(0, 4), [service, 'VIP', 'P3', verdict]);
      assert.match(cells[k]![4]!, found);
    }
  });

  it('the agent verifies at intervals, through VIPs too, and reports without acting', { timeout: 40_000 }, async () => {
    const header = { type: 'http', proxyProtocol: 'v2', interval: '200ms' };
    const one = (name: string, vip: string, port: number, passthrough: object) => ({
      name,
      vip: `${vip}:80/tcp`,
      realServers: [`127.0.0.1:${port}`],
      check: header,
      passthrough: { mode: 'proxy-v2', echo: '/whoami', ...passthrough },
    });
    const file = writeConfig(dir, {
      stateDir: dir,
      listen: '127.0.0.1:0',
      nics: [{ name: 'lo' }],
      rules: QUICK,
      snat: { pool: '10.0.0.0/24', servers: 16, cores: 16, server: 1, groups: { lo: 0 } },
      collectors: { passthrough: { interval: '1s' } },
      services: [
        one('good', '198.51.100.1', 8001, {}),
        one('lost', '198.51.100.2', 8005, {}),
        one('vip-good', '203.0.113.1', 8001, { through: ['vip'] }),
        one('vip-lost', '203.0.113.2', 8001, { through: ['vip'] }),
        one('here', '192.0.2.9', 8001, { through: ['vip'] }),
      ],
    });
    const said: string[] = [];
    assert.equal(await passthroughCommand(['--config', file], { out: (text) => void said.push(text), err: () => undefined }), 1);
    console.log(said.join(''));
    assert.match(said.join(''), /vip-good +VIP +P3 +ok +real servers see 192\.0\.2\.9, the client that asked/);
    assert.match(
      said.join(''),
      /vip-lost +VIP +P3 +MISMATCH +real servers see 10\.0\.0\.17 of the SNAT pool.* \(8 of 8 connections\)/,
    );
    assert.match(said.join(''), /here +VIP +P3 +not seen +192\.0\.2\.9 is an address of this machine/);

    const agent = await AgentProcess.start(file);
    try {
      await agent.allGood();
      const ok = (service: string) => agent.metric('fourlane_passthrough_ok', `service="${service}"`);
      const verified = () => Promise.all(['good', 'lost', 'vip-good', 'vip-lost'].map(ok));
      await until('all is verified', 10_000, async () => !(await verified()).includes(undefined));
      assert.deepEqual([...(await verified()), await ok('here')], [1, 0, 1, 0, undefined]);
      const finding = await agent.metric(
        'fourlane_passthrough_finding',
        'service="vip-lost"',
        'finding="ADDRESS_LOST"',
        'cause="load_balancer"',
      );
      assert.equal(finding, 1);
      assert.equal(await agent.metric('fourlane_passthrough_unverified_real_servers', 'service="here"', 'way="vip"'), 1);
      const { findings } = await agent.get<WhyReport>('/api/v1/why?rs=127.0.0.1:8005');
      assert.deepEqual(
        findings.map(({ finding, service, found }) => [finding, service, found.slice(0, 25)]),
        [['ADDRESS_LOST', 'lost', 'P2: it takes this load ba']],
      );
      assert.deepEqual(await agent.verdicts(), [], 'nothing is judged by it');
      assert.equal(await agent.metric('fourlane_real_server_weight', 'service="lost"', 'kind="wanted"'), 100);
    } finally {
      await agent.end('SIGTERM');
    }
  });
});
