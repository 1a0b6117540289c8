/** From virtual servers to services: each checker with its options, what is named as left out, and where. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readConfig } from '../../src/keepalived/config/config.ts';
import { translate } from '../../src/keepalived/translate/services.ts';

const of = (text: string, timing = {}) => {
  const { services, checks, left } = translate(readConfig('k.conf', text), timing);
  return {
    services: services.map(({ vip, realServers }) => ({ vip, realServers: realServers.map(({ value }) => value) })),
    checks: Object.fromEntries([...checks].map(([name, { value }]) => [name, value])),
    left: left.map(({ at, message }) => `${at.line}: ${message}`),
  };
};

/** A service with one real server, whose block holds this. */
const inServer = (text: string, virtual = 'protocol TCP') => `virtual_server 192.0.2.10 80 {
  ${virtual}
  delay_loop 6
  real_server 10.0.0.1 80 {
${text}
  }
}
`;
/** The only check of such a service. */
const checkOf = (text: string, virtual?: string) => {
  const { checks, left } = of(inServer(text, virtual));
  assert.equal(Object.keys(checks).length, 1, left.join('\n'));
  return { ...Object.values(checks)[0]!, left };
};
const TIMES = { interval: '1000ms', timeout: '1000ms' };

describe('checkers', () => {
  const cases: readonly (readonly [name: string, text: string, check: object])[] = [
    ['TCP_CHECK', 'TCP_CHECK {\n}', { type: 'tcp', ...TIMES }],
    [
      'a short connect_timeout, another port, address and mark',
      'TCP_CHECK {\n connect_timeout 0.3\n connect_port 81\n connect_ip 10.9.9.9\n fwmark 7\n}',
      { type: 'tcp', connectIp: '10.9.9.9', connectPort: 81, mark: 7, interval: '1000ms', timeout: '300ms' },
    ],
    [
      'HTTP_GET of one page',
      'HTTP_GET {\n url {\n path /health\n status_code 200 301-302\n }\n}',
      { type: 'http', protocol: '1.0', path: '/health', status: '200,301-302', ...TIMES },
    ],
    [
      'HTTP_GET of two pages, with digest, regex and virtualhost',
      `HTTP_GET {
  http_protocol 1.1
  virtualhost www.example.net
  url {
    path /a
    digest 640205b7b0fc66c1ea91c463fac6334c
  }
  url {
    path /b
    virtualhost b.example.net
    regex "rea?dy"
    regex_options caseless dotall
    regex_no_match
    regex_min_offset 5
    regex_max_offset 50
  }
}`,
      {
        type: 'http',
        protocol: '1.1',
        urls: [
          { path: '/a', digest: '640205b7b0fc66c1ea91c463fac6334c', host: 'www.example.net' },
          {
            path: '/b',
            host: 'b.example.net',
            matches: 'rea?dy',
            matchFlags: ['caseless', 'dotall'],
            noMatch: true,
            matchFrom: 5,
            matchTo: 50,
          },
        ],
        ...TIMES,
      },
    ],
    [
      'SSL_GET with the name of the server',
      'SSL_GET {\n enable_sni\n virtualhost www.example.net\n url {\n path /\n }\n}',
      { type: 'ssl', protocol: '1.0', path: '/', host: 'www.example.net', sni: 'www.example.net', ...TIMES },
    ],
    ['SMTP_CHECK', 'SMTP_CHECK {\n helo_name lb.example.net\n}', { type: 'smtp', helo: 'lb.example.net', ...TIMES }],
    ['DNS_CHECK', 'DNS_CHECK {\n type a\n name example.net\n}', { type: 'dns', query: 'A', name: 'example.net', ...TIMES }],
    [
      'UDP_CHECK',
      'UDP_CHECK {\n payload 0a 0b\n require_reply 0c xx\n min_reply_length 2\n max_reply_length 9\n}',
      { type: 'udp', requireReply: true, payloadHex: '0a0b', replyHex: '0cxx', minReply: 2, maxReply: 9, ...TIMES },
    ],
    ['UDP_CHECK that wants no reply', 'UDP_CHECK {\n}', { type: 'udp', requireReply: false, ...TIMES }],
    ['PING_CHECK', 'PING_CHECK {\n}', { type: 'ping', ...TIMES }],
    [
      'MISC_CHECK',
      'MISC_CHECK {\n misc_path "/bin/check -a \'two words\'"\n misc_timeout 3\n misc_dynamic\n user nobody nogroup\n}',
      {
        type: 'exec',
        command: ['/bin/check', '-a', 'two words'],
        dynamic: true,
        user: 'nobody',
        group: 'nogroup',
        interval: '6000ms',
        timeout: '3000ms',
      },
    ],
  ];
  for (const [name, text, check] of cases)
    it(name, () => {
      const { left, ...found } = checkOf(text);
      assert.deepEqual(found, check);
      assert.deepEqual(left, []);
    });

  it('MISC_CHECK runs the words of its command, in one pair of quotes or not', () => {
    for (const path of [`"/bin/x 'a b' c"`, `/bin/x 'a b' c`]) {
      const { checks } = of(inServer(`MISC_CHECK {\n misc_path ${path}\n}`));
      assert.deepEqual(checks['MISC_CHECK']!['command'], ['/bin/x', 'a b', 'c'], path);
    }
  });

  it('FILE_CHECK, by the definition of its file', () => {
    const file = 'track_file drain {\n  file /run/drain\n  weight -2\n}\n';
    const { checks, left } = of(file + inServer('FILE_CHECK {\n track_file drain\n}'));
    assert.deepEqual(Object.values(checks), [{ type: 'file', path: '/run/drain', weight: -2 }]);
    assert.deepEqual(left, []);
  });

  it('several of one real server, all of which are taken; equal ones once', () => {
    const { services, checks } = of(inServer('TCP_CHECK {\n}\nHTTP_GET {\n url {\n path /\n }\n}\nTCP_CHECK {\n}'));
    assert.deepEqual(services[0]!.realServers[0]!.checks, ['TCP_CHECK', 'HTTP_GET']);
    assert.deepEqual(Object.keys(checks), ['TCP_CHECK', 'HTTP_GET']);
  });

  it('times of the operator go before those of the file', () => {
    const { checks } = of(inServer('TCP_CHECK {\n connect_timeout 3\n}'), { interval: '2s', timeout: '900ms', fall: 2 });
    assert.deepEqual(Object.values(checks), [{ type: 'tcp', interval: '2s', timeout: '900ms', fall: 2 }]);
  });
});

describe('virtual servers', () => {
  it('by address, IPv6, mark and group, each with its own VIP', () => {
    const group = 'virtual_server_group web {\n 192.0.2.20 80\n 192.0.2.30-31 8080\n fwmark 9\n}\n';
    const server = '{\n protocol TCP\n real_server 10.0.0.1 80 {\n TCP_CHECK {\n}\n }\n}\n';
    const server6 = server.replace('10.0.0.1', 'fd00::1');
    const { services, left } = of(
      `${group}virtual_server 2001:db8::1 443 ${server6}virtual_server fwmark 7 ${server}virtual_server group web ${server}`,
    );
    assert.deepEqual(
      services.map(({ vip }) => vip),
      ['[2001:db8::1]:443/tcp', 'fwmark:7', '192.0.2.20:80/tcp', '192.0.2.30:8080/tcp', '192.0.2.31:8080/tcp', 'fwmark:9'],
    );
    assert.deepEqual(left, []);
  });

  it('without NAT a real server gets the port of the virtual one; without a port too', () => {
    const port = (kind: string, of: string) =>
      `virtual_server 192.0.2.10 80 {\n protocol TCP\n lb_kind ${kind}\n real_server 10.0.0.1 ${of} {\n TCP_CHECK {\n}\n }\n}\n`;
    const address = (text: string) => of(text).services[0]!.realServers[0]!.address;
    assert.equal(address(port('DR', '8080')), '10.0.0.1:80');
    assert.equal(address(port('NAT', '8080')), '10.0.0.1:8080');
    assert.equal(address(port('NAT', '')), '10.0.0.1:80');
  });

  it('without a protocol it is UDP, as for keepalived', () => {
    assert.equal(of(inServer('PING_CHECK {\n}', 'lb_kind NAT')).services[0]!.vip, '192.0.2.10:80/udp');
  });
});

describe('left out, with its place', () => {
  const left = (text: string, virtual?: string) => of(inServer(text, virtual)).left;
  it('a real server without a check is checked all the same', () => {
    const { services, checks, left: notes } = of(inServer('weight 3'));
    assert.deepEqual(services[0]!.realServers, [{ address: '10.0.0.1:80', weight: 3, checks: ['without_checker'] }]);
    assert.deepEqual(checks, { without_checker: { type: 'tcp' } });
    assert.deepEqual(notes, [
      '4: real server without a check that is taken over: keepalived never takes it out; fourlane checks it by a TCP connection',
    ]);
  });
  it('behaviour of the virtual server', () => {
    const found = left('TCP_CHECK {\n}', 'protocol TCP\n  quorum 2\n  sorry_server 10.0.0.9 80\n  alpha\n  quorum_up "/bin/a b"');
    assert.deepEqual(
      found.map((line) => line.split(':').slice(0, 2).join(':')),
      ['3: quorum 2', '4: sorry_server 10.0.0.9 80', '5: alpha', '6: quorum_up /bin/a b'],
    );
  });
  it('omega is taken over with mode: manage, and named otherwise', () => {
    const config = readConfig('k.conf', inServer('TCP_CHECK {\n}', 'protocol TCP\n  omega'));
    const { services, left: notes } = translate(config, {}, { manage: true });
    assert.deepEqual([services[0]!.omega, notes], [true, []]);
    assert.match(translate(config).left[0]!.message, /^omega: scripts are run with mode: manage only/);
  });
  it('quorum and sorry server are taken over with mode: manage: how it is reached, its port, what keepalived skips', () => {
    const managed = (key: string, lines: string) => {
      const real = 'real_server 10.0.0.1 80 {\n TCP_CHECK {\n}\n}';
      const text = `virtual_server ${key} {\n protocol TCP\n quorum 2\n ${lines}\n ${real}\n}\n`;
      const { services, left: notes } = translate(readConfig('k.conf', text), {}, { manage: true });
      return [services[0]!.lvs.sorry, notes.map(({ at, message }) => `${at.line}: ${message}`)];
    };
    const of9 = (name: string, method: string, inhibit = false) => [{ name, server: { method }, inhibit }, []];
    assert.deepEqual(managed('192.0.2.10 80', 'sorry_server 10.0.0.9 8080'), of9('10.0.0.9:8080', 'NAT'));
    // A packet keeps its port.
    assert.deepEqual(managed('192.0.2.10 80', 'sorry_server 10.0.0.9'), of9('10.0.0.9', 'NAT'));
    assert.deepEqual(managed('192.0.2.10 80', 'sorry_server 10.0.0.9 8080\n lb_kind DR'), of9('10.0.0.9:80', 'DR'));
    assert.deepEqual(managed('fwmark 7', 'lb_kind DR\n sorry_server 10.0.0.9 80'), of9('10.0.0.9', 'DR'));
    const own = 'sorry_server 10.0.0.9 80\n sorry_server_lvs_method NAT\n sorry_server_inhibit';
    assert.deepEqual(managed('192.0.2.10 80', `lb_kind DR\n ${own}`), of9('10.0.0.9:80', 'NAT', true));
    const before = 'sorry_server_lvs_method DR\n sorry_server_inhibit\n sorry_server 10.0.0.9 81';
    assert.deepEqual(managed('192.0.2.10 80', before), of9('10.0.0.9:81', 'NAT'));
    const skipped = 'keepalived skips one without a valid address, or of another family, unless it is a TUN';
    for (const line of ['sorry_server fd00::9 80', 'sorry_server 10.0.0.999 80'])
      assert.deepEqual(managed('192.0.2.10 80', line), [undefined, [`4: sorry_server of 192.0.2.10:80/tcp: ${skipped}`]]);
    const tunnel = 'sorry_server fd00::9 80\n sorry_server_lvs_method TUN type gue port 6080';
    const server = { method: 'TUN', tunnel: { type: 'gue', port: 6080 } };
    assert.deepEqual(managed('192.0.2.10 80', tunnel), [{ name: '[fd00::9]:80', server, inhibit: false }, []]);
  });
  it('scripts are taken over when they are run: program and arguments, user and group, those of script_user', () => {
    const text = inServer(
      'notify_up "/bin/a \'b c\'" ops adm\n  notify_down /bin/d\n  TCP_CHECK {\n}',
      'protocol TCP\n  quorum 2\n  quorum_up "/bin/q x" root',
    );
    const run = (globals: string) => translate(readConfig('k.conf', globals + text), {}, { manage: true });
    const { services, left: notes } = run('global_defs {\n script_user who grp\n}\n');
    const [{ hooks, quorum, hysteresis, realServers } = assert.fail()] = services;
    assert.deepEqual(
      { hooks, quorum, hysteresis },
      { hooks: { up: { command: ['/bin/q', 'x'], user: 'root' } }, quorum: 2, hysteresis: 0 },
    );
    assert.deepEqual(realServers[0]!.hooks, {
      up: { command: ['/bin/a', 'b c'], user: 'ops', group: 'adm' },
      down: { command: ['/bin/d'], user: 'who', group: 'grp' },
    });
    assert.deepEqual(
      notes.map(({ message }) => message.slice(0, 8)),
      ['quorum 2'],
    );
    assert.deepEqual(run('').services[0]!.realServers[0]!.hooks!.down, { command: ['/bin/d'] });
  });
  it('scripts of a real server, sources of checks, BFD, options of expressions', () => {
    assert.match(left('notify_down "/bin/x"\nTCP_CHECK {\n bindto 10.0.0.2\n}').join('\n'), /^5: notify_down .*\n7: bindto: /);
    assert.match(left('BFD_CHECK {\n name b\n}').join('\n'), /^5: BFD_CHECK: write where its state is read/);
    const regex = 'HTTP_GET {\n url {\n path /\n regex a\n regex_options multiline\n }\n}';
    assert.match(left(regex).join('\n'), /regex_options multiline: .*left out/);
  });
  it('services that fourlane has no word for', () => {
    assert.match(of(inServer('TCP_CHECK {\n}').replace(' 80 {', ' {')).left.join('\n'), /192.0.2.10 of all ports/);
    assert.match(left('TCP_CHECK {\n}', 'protocol SCTP').join('\n'), /1: virtual server for SCTP/);
    assert.match(of('virtual_server 192.0.2.1 80 {\n protocol TCP\n}\n').left.join('\n'), /without a real server/);
    assert.match(of('virtual_server group nosuch {\n protocol TCP\n}\n').left.join('\n'), /the group nosuch, which is not/);
    const twice = inServer('TCP_CHECK {\n}') + inServer('TCP_CHECK {\n}');
    assert.match(of(twice).left.join('\n'), /192.0.2.10:80\/tcp stands there twice/);
  });
});

describe('scripts and sessions', () => {
  const misc = (more: string) => inServer(`MISC_CHECK {\n misc_path /bin/c\n ${more}\n}\nBFD_CHECK {\n name peer1\n}`);
  const checks = (text: string, options: Parameters<typeof translate>[2]) =>
    [...translate(readConfig('k.conf', text), {}, options).checks.values()].map(({ value }) => value);
  const accounts = (text: string, defaultUser?: string) =>
    checks(text, { defaultUser }).map(({ user, group }) => [user, group].filter(Boolean).join(' '))[0];

  it('MISC_CHECK runs as its user, else as that of script_user, else as the default one', () => {
    const globals = 'global_defs {\n script_user who grp\n}\n';
    assert.equal(accounts(globals + misc('user ops'), 'keepalived_script'), 'ops');
    assert.equal(accounts(globals + misc(''), 'keepalived_script'), 'who grp');
    assert.equal(accounts(misc(''), 'keepalived_script'), 'keepalived_script');
    assert.equal(accounts(misc('')), '');
  });

  it('BFD_CHECK is the check bfd, where its state can be read', () => {
    const bfd = { path: '/run/bfd', maxAge: '5s' };
    assert.deepEqual(checks(misc(''), { bfd })[1], { type: 'bfd', session: 'peer1', path: '/run/bfd', maxAge: '5s' });
  });
});

describe('entries of kernel LVS', () => {
  const lvs = (key: string, virtual: string, ...servers: string[]) => {
    const text = `virtual_server ${key} {\n protocol TCP\n ${virtual.replaceAll('; ', '\n ')}\n${servers
      .map((each) => ` real_server ${each.replace('; ', ' {\n  ').replaceAll('; ', '\n  ')}\n }\n`)
      .join('')}}\n`;
    const [service = assert.fail('no service')] = translate(readConfig('k.conf', text)).services;
    return { service: service.lvs, servers: service.realServers.map((each) => each.lvs) };
  };
  const WEB = '192.0.2.1 80';
  const PLAIN = { family: 4, scheduler: 'wlc', flags: [], persistence: 0 };

  it('scheduler, flags and persistence, with the defaults of keepalived', () => {
    assert.deepEqual(lvs(WEB, '', '10.0.0.1 80; weight 1').service, PLAIN);
    const flagged = lvs(WEB, 'lb_algo mh; mh-port; sh-fallback; ops; persistence_timeout 60', '10.0.0.1 80; weight 1').service;
    assert.deepEqual(flagged, { ...PLAIN, scheduler: 'mh', flags: ['ops', 'flag-2'], persistence: 60 });
    const masked = lvs(WEB, 'persistence_granularity 255.255.0.0; persistence_engine sip', '10.0.0.1 80; weight 1').service;
    assert.deepEqual(masked, { ...PLAIN, persistence: 360, netmask: '255.255.0.0', engine: 'sip' });
    const six = lvs('2001:db8::1 80', 'persistence_timeout; persistence_granularity 64', 'fd00::1 80; weight 1').service;
    assert.deepEqual(six, { ...PLAIN, family: 6, persistence: 360, netmask: '64' });
    assert.equal(lvs('fwmark 7', '', 'fd00::1 80; weight 1').service.family, 6);
    assert.equal(lvs('fwmark 7', 'ip_family inet', 'fd00::1 80; lvs_method TUN').service.family, 4);
  });

  it('ways to the real servers: their own, else that of the virtual server; ports of marks; thresholds', () => {
    const { servers } = lvs(
      WEB,
      'lb_kind TUN type gue port 6080 csum',
      '10.0.0.1 80; uthreshold 9; lthreshold 3',
      '10.0.0.2 80; lvs_method TUN type gre remcsum nocsum',
      '10.0.0.3 80; lvs_method DR',
      '10.0.0.4 80; lvs_method TUN type gue',
    );
    assert.deepEqual(servers, [
      { method: 'TUN', tunnel: { type: 'gue', port: 6080, checksum: 'csum' }, upper: 9, lower: 3 },
      { method: 'TUN', tunnel: { type: 'gre', checksum: 'remcsum' } },
      { method: 'DR' },
      { method: 'TUN' },
    ]);
    assert.deepEqual(lvs('fwmark 7', 'lb_kind DR', '10.0.0.1 80; weight 1', '10.0.0.2 80; lvs_method NAT').servers, [
      { method: 'DR', port: 0 },
      { method: 'NAT' },
    ]);
  });
});

describe('a real server of another family', () => {
  const server = (method: string) =>
    `virtual_server 192.0.2.10 80 {\n protocol TCP\n lb_kind ${method}\n real_server fd00::1 80 {\n }\n}\n`;

  it('is skipped, as keepalived does, unless it is a TUN', () => {
    const { services, left } = of(server('NAT'));
    assert.deepEqual(services, []);
    assert.match(left[0]!, /^4: real server fd00::1 of 192\.0\.2\.10: keepalived skips one of another family/);
    assert.equal(of(server('TUN')).services.length, 1);
  });
});
