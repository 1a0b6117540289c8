import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkProblem } from '../../src/config/profiles.ts';
import { readConfig } from '../../src/keepalived/config/config.ts';
import { servicesOf } from '../../src/keepalived/translate/services.ts';

const read = (text: string) => servicesOf(readConfig('k.conf', text));
const server = (inside: string, { vs = '192.0.2.10 80', rs = '10.0.0.1 80', more = 'protocol TCP\nlb_kind NAT' } = {}) =>
  `virtual_server ${vs} {\n${more}\nreal_server ${rs} {\n${inside}\n}\n}\n`;

/** The check of one real server, and what is lost; times apart. */
function check(inside: string, before = '') {
  const { services, lost } = read(before + server(inside));
  const [made] = services[0]!.realServers[0]!.checks;
  const profile: Readonly<Record<string, unknown>> = made?.profile ?? {};
  const { interval, timeout, fall, ...rest } = profile;
  if (made !== undefined) assert.equal(checkProblem(made.profile), undefined, JSON.stringify(made.profile));
  const times = [interval, timeout, fall].filter((time) => typeof time === 'string' || typeof time === 'number').join(' ');
  return { rest, times, lost: lost.map(({ why }) => why) };
}
const block = (kind: string, ...lines: string[]) => `${kind} {\n${lines.join('\n')}\n}`;

/** Checker → our check; each is accepted by the schema of the configuration. */
const CHECKS: readonly (readonly [checker: string, profile: object])[] = [
  [block('TCP_CHECK'), { type: 'tcp' }],
  [block('PING_CHECK'), { type: 'ping' }],
  [block('SMTP_CHECK'), { type: 'smtp', helo: 'smtpchecker.keepalived.org' }],
  [block('SMTP_CHECK', 'helo_name lb.example'), { type: 'smtp', helo: 'lb.example' }],
  [block('DNS_CHECK'), { type: 'dns', query: 'SOA', name: '.' }],
  [block('DNS_CHECK', 'type aaaa', 'name a.example'), { type: 'dns', query: 'AAAA', name: 'a.example' }],
  [block('UDP_CHECK'), { type: 'udp', requireReply: false }],
  [
    block('UDP_CHECK', 'payload 0001 ff', 'require_reply 00xx', 'min_reply_length 2'),
    { type: 'udp', payloadHex: '0001ff', requireReply: true, replyHex: '00xx', minReply: 2, maxReply: 255 },
  ],
  [block('HTTP_GET', block('url', 'path /')), { type: 'http', protocol: '1.0', path: '/' }],
  [
    block('HTTP_GET', 'http_protocol 1.1', 'virtualhost a.example', block('url', 'path /x', 'virtualhost b.example')),
    { type: 'http', protocol: '1.1', host: 'b.example', path: '/x' },
  ],
  [
    block('HTTP_GET', block('url', 'path /', 'status_code 200 301-302', 'digest 9B3A0C85A887A256D6939DA88AABD8CD')),
    { type: 'http', protocol: '1.0', path: '/', status: '200,301-302', digest: '9b3a0c85a887a256d6939da88aabd8cd' },
  ],
  [
    block('HTTP_GET', block('url', 'path /', 'regex "a b+"', 'regex_options caseless', 'regex_no_match', 'regex_max_offset 9')),
    { type: 'http', protocol: '1.0', path: '/', matches: 'a b+', matchFlags: ['caseless'], noMatch: true, matchTo: 9 },
  ],
  [
    block('HTTP_GET', block('url', 'path /a'), block('url', 'path /b')),
    { type: 'http', protocol: '1.0', urls: [{ path: '/a' }, { path: '/b' }] },
  ],
  [block('SSL_GET', block('url', 'path /')), { type: 'ssl', protocol: '1.0', sni: false, path: '/' }],
  [
    block('SSL_GET', 'enable_sni', 'virtualhost a.example', block('url', 'path /')),
    { type: 'ssl', protocol: '1.0', host: 'a.example', path: '/' },
  ],
  [block('MISC_CHECK', `misc_path "/bin/x 'a b' c"`), { type: 'exec', command: ['/bin/x', 'a b', 'c'] }],
  [
    block('MISC_CHECK', 'misc_path /bin/x', 'user nobody nogroup', 'misc_dynamic'),
    { type: 'exec', command: ['/bin/x'], user: 'nobody', group: 'nogroup', dynamic: true },
  ],
];

describe('a checker as a check', () => {
  for (const [text, profile] of CHECKS) {
    it(text.replaceAll('\n', ' '), () => {
      const { rest, lost } = check(text);
      assert.deepEqual(rest, profile);
      assert.deepEqual(lost, []);
    });
  }

  it('FILE_CHECK: the file of the track_file, and its weight', () => {
    const definition = 'track_file f {\nfile /run/f\nweight 0\n}\n';
    assert.deepEqual(check(block('FILE_CHECK', 'track_file f'), definition).rest, { type: 'file', path: '/run/f' });
    const weighted = check(block('FILE_CHECK', 'track_file f', 'weight 3 reverse'), definition);
    assert.deepEqual(weighted, { rest: { type: 'file', path: '/run/f', weight: 3, reverse: true }, times: '', lost: [] });
    assert.deepEqual(check(block('FILE_CHECK', 'track_file g')).lost, ['FILE_CHECK: there is no track_file g']);
  });

  it('is as patient as keepalived: timeout, tries, and not more often than that', () => {
    assert.equal(check(block('TCP_CHECK')).times, '5s 5s 2');
    assert.equal(check(block('TCP_CHECK', 'connect_timeout 0.25', 'retry 3')).times, '1s 250ms 4');
    assert.equal(check(block('TCP_CHECK', 'retry 0', 'delay_loop 2', 'connect_timeout 3')).times, '3s 3s 2');
    assert.equal(check(block('TCP_CHECK', 'retry 99')).times, '5s 5s 10');
    assert.equal(check(block('DNS_CHECK')).times, '5s 5s 4');
    assert.equal(check(block('MISC_CHECK', 'misc_path /bin/x', 'misc_timeout 4', 'delay_loop 7')).times, '7s 4s 2');
    assert.equal(check(block('MISC_CHECK', 'misc_path /bin/x', 'delay_loop 7')).times, '7s 7s 2');
  });

  it('what it has and we do not is lost, and said', () => {
    assert.deepEqual(check(block('BFD_CHECK', 'name b')).lost, ['BFD_CHECK: fourlane has no such check']);
    assert.deepEqual(check(block('TCP_CHECK', 'connect_port 81')).lost, [
      'TCP_CHECK: it asks port 81, not the real server itself',
    ]);
    assert.deepEqual(check(block('TCP_CHECK', 'connect_ip 10.0.0.9')).lost, [
      'TCP_CHECK: it asks 10.0.0.9, not the real server itself',
    ]);
    const bound = check(block('TCP_CHECK', 'connect_port 80', 'bindto 10.0.0.2', 'fwmark 7'));
    assert.deepEqual([bound.rest, bound.lost], [{ type: 'tcp' }, ['bindto of TCP_CHECK', 'fwmark of TCP_CHECK']]);
    assert.deepEqual(check(block('HTTP_GET')).lost, ['HTTP_GET: it has no url with a path']);
    assert.deepEqual(check(block('MISC_CHECK')).lost, ['MISC_CHECK: it has no misc_path']);
  });
});

describe('a virtual server as a service', () => {
  const shown = (text: string) =>
    read(text).services.map(
      ({ vip, realServers }) => `${vip} ${realServers.map(({ address, weight }) => `${address}*${weight}`).join(' ')}`,
    );

  it('ports as keepalived sets them: by method, by the virtual server, for marks', () => {
    assert.deepEqual(shown(server('', { rs: '10.0.0.1 8080' })), ['192.0.2.10:80/tcp 10.0.0.1:8080*1']);
    assert.deepEqual(shown(server('', { rs: '10.0.0.1' })), ['192.0.2.10:80/tcp 10.0.0.1:80*1']);
    assert.deepEqual(shown(server('weight 7', { rs: '10.0.0.1 8080', more: 'protocol TCP\nlb_kind DR' })), [
      '192.0.2.10:80/tcp 10.0.0.1:80*7',
    ]);
    assert.deepEqual(shown(server('', { vs: 'fwmark 7', rs: '10.0.0.1', more: 'lb_kind DR' })), ['fwmark:7 10.0.0.1*1']);
    const named = server(block('TCP_CHECK', 'connect_port 81'), { vs: 'fwmark 7', rs: '10.0.0.1', more: 'lb_kind DR' });
    assert.deepEqual(shown(named), ['fwmark:7 10.0.0.1:81*1']);
    assert.deepEqual(shown(server('', { vs: '2001:DB8::1 80', rs: 'fd00::1 80' })), ['[2001:db8::1]:80/tcp [fd00::1]:80*1']);
    assert.deepEqual(shown(server('', { more: 'lb_kind NAT' })), ['192.0.2.10:80/udp 10.0.0.1:80*1']);
  });

  it('a group: each address of its ranges, its marks; what is not valid or missing is lost', () => {
    const group = 'virtual_server_group g {\n192.0.2.10-12 80\n192.0.2.250/30 81\nfwmark 9\nnonsense\n10.0.0.0/8 80\n}\n';
    const { services, lost } = read(group + server('', { vs: 'group g' }));
    assert.deepEqual(
      services.map(({ vip }) => vip),
      [
        ...[10, 11, 12].map((last) => `192.0.2.${last}:80/tcp`),
        ...[250, 251, 252, 253].map((last) => `192.0.2.${last}:81/tcp`),
        'fwmark:9',
      ],
    );
    assert.deepEqual(
      lost.map(({ what, at }) => `${what} line ${at.line.line}`),
      ['nonsense line 5', '10.0.0.0/8 80 line 6'],
    );
    assert.deepEqual(
      read(server('', { vs: 'group h' })).lost.map(({ why }) => why),
      ['there is no such virtual_server_group'],
    );
  });

  it('another family needs TUN; sorry servers and unknown addresses are lost', () => {
    assert.deepEqual(shown(server('', { rs: 'fd00::1 80' })), ['192.0.2.10:80/tcp ']);
    assert.deepEqual(shown(server('', { rs: 'fd00::1 80', more: 'protocol TCP\nlb_kind TUN' })), [
      '192.0.2.10:80/tcp [fd00::1]:80*1',
    ]);
    const { lost } = read(server('', { vs: '$A 80', more: 'sorry_server 10.0.0.9 80' }) + server('', { rs: '10.0.0.999 80' }));
    assert.deepEqual(
      lost.map(({ what }) => what),
      ['sorry_server 10.0.0.9 80', 'virtual_server $A 80', 'real_server 10.0.0.999 80'],
    );
  });

  it('10 000 virtual servers take no second', () => {
    const text = Array.from({ length: 10_000 }, (_, i) =>
      server(block('TCP_CHECK', 'connect_timeout 1'), { vs: `10.${i >> 8}.${i & 255}.1 80`, rs: '10.0.0.1 80' }),
    ).join('');
    const config = readConfig('k.conf', text);
    const started = performance.now();
    assert.equal(servicesOf(config).services.length, 10_000);
    const ms = performance.now() - started;
    assert.ok(ms < 1000, `${ms} ms`);
  });
});
