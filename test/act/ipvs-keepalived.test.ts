import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { mentionedIn } from '../../src/act/ipvs/keepalived-conf.ts';
import { configFileOf, hasCheckers } from '../../src/keepalived/command-line.ts';
import { keepalivedOwner } from '../../src/act/ipvs/keepalived.ts';

describe('how a keepalived was started', () => {
  it('without checkers it has no services: -P alone', () => {
    const runs = (line: string) => hasCheckers(line.split(' '));
    for (const line of ['keepalived', 'keepalived -n -l -D', 'keepalived -C', 'keepalived -PC', 'keepalived -P --check'])
      assert.equal(runs(line), true, line);
    for (const line of ['keepalived -P', 'keepalived -nlP', 'keepalived --vrrp -f C', 'keepalived -f -C -P', 'keepalived -P -pC'])
      assert.equal(runs(line), false, line);
    for (const line of ['keepalived -fP', 'keepalived -p P', 'keepalived -f /etc/P.conf']) assert.equal(runs(line), true, line);
  });
});

describe('services a keepalived.conf speaks of', () => {
  const cases: [name: string, text: string, services: string[], unclear: string][] = [
    ['a plain one', 'virtual_server 192.0.2.10 80 {\n protocol TCP\n real_server 10.0.0.1 80 {\n }\n}', ['192.0.2.10 80'], ''],
    ['IPv6, written long', 'virtual_server 2001:DB8:0::10 443 {', ['2001:db8::10 443'], ''],
    ['a firewall mark', 'virtual_server fwmark 7 {', ['fwmark 7'], ''],
    [
      'the brace on the next line, and none before it',
      'virtual_server 192.0.2.10 80\n{\n}\nvirtual_server 192.0.2.11 81{',
      ['192.0.2.10 80', '192.0.2.11 81'],
      '',
    ],
    [
      'comments',
      '#virtual_server 192.0.2.9 80\n! virtual_server 192.0.2.8 80\nvirtual_server 192.0.2.10 80 # 81',
      ['192.0.2.10 80'],
      '',
    ],
    ['a byte order mark and CRLF', '\uFEFFvirtual_server 192.0.2.10 80 {\r\n}\r\n', ['192.0.2.10 80'], ''],
    ['a condition', '@lb1 virtual_server 192.0.2.10 80 {', ['192.0.2.10 80'], ''],
    [
      'a group',
      'virtual_server_group web {\n 192.0.2.10 80\n 192.0.2.11 80 # b\n fwmark 9\n}\nvirtual_server group web {\n ' +
        'real_server 10.0.0.1 80 {\n}\n}\n10.9.9.9 1',
      ['192.0.2.10 80', '192.0.2.11 80', 'fwmark 9'],
      '',
    ],
    ['a group whose brace follows', 'virtual_server_group g\n{\n192.0.2.10 80\n}\n10.9.9.9 1', ['192.0.2.10 80'], ''],
    ['no port', 'virtual_server 192.0.2.10 {', ['192.0.2.10 0'], ''],
    ['a range in a group', 'virtual_server_group g {\n 192.0.2.10-20 80\n}', [], '192.0.2.10-20 80'],
    ['a network in a group', 'virtual_server_group g {\n 192.0.2.0/28 80\n}', [], '192.0.2.0/28 80'],
    ['a variable', 'virtual_server ${VIP} 80 {', [], 'virtual_server ${VIP} 80 {'],
    ['a definition that holds a service', '$VS=virtual_server 192.0.2.10 80 {', [], '$VS=virtual_server 192.0.2.10 80 {'],
    ['nothing at all', 'vrrp_instance VI_1 {\n virtual_ipaddress {\n 192.0.2.10\n }\n}', [], ''],
  ];
  for (const [name, text, services, unclear] of cases) {
    it(name, () => {
      const found = mentionedIn(text);
      assert.deepEqual([...found.services], services);
      assert.equal(found.unclear, unclear);
    });
  }

  it('lists what it includes, whatever the kind', () => {
    const text = 'include conf.d/*.conf\nincluder "/etc/k/a.conf"\ninclude_check no\nincludew b?.conf # all';
    assert.deepEqual(mentionedIn(text).includes, ['conf.d/*.conf', '/etc/k/a.conf', 'b?.conf']);
  });

  it('stands any text', () => {
    const word = fc.constantFrom(
      'virtual_server',
      'virtual_server_group',
      'group',
      '{',
      '}',
      'fwmark',
      '"',
      '#',
      '\n',
      ' ',
      '1.2.3.4',
      '80',
      '$A',
      '@x',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string()), { maxLength: 40 }), (words) => void mentionedIn(words.join(' '))),
    );
  });
});

describe('the owner of a service', () => {
  const dir = mkdtempSync(join(tmpdir(), 'fourlane-keepalived-'));
  after(() => rmSync(dir, { recursive: true, force: true }));
  const file = (name: string, text: string) => {
    const path = join(dir, name);
    writeFileSync(path, text);
    return path;
  };
  const soon = AbortSignal.timeout(60_000);
  // This process stands in for a keepalived: its root directory is looked into.
  const process_ = (path: string) => ({ pid: process.pid, argv: ['keepalived', '-f', path], network: '', uid: 0 });
  const ownerOf = (path: string) =>
    keepalivedOwner(
      () => 0,
      () => Promise.resolve([process_(path)]),
    );

  it('is found in the file and in what it includes', async () => {
    mkdirSync(join(dir, 'conf.d'));
    file('conf.d/a.conf', 'virtual_server 192.0.2.10 80 {\n}\ninclude ../k.conf\n');
    file('conf.d/b.conf', 'virtual_server 2001:db8::10 443 {\n}\n');
    const path = file('k.conf', `include conf.d/*.conf\ninclude ${dir}/none.conf\nvirtual_server fwmark 7 {\n}\n`);
    const owner = ownerOf(path);
    for (const vip of ['192.0.2.10:80/tcp', '192.0.2.10:80/udp', '[2001:db8::10]:443/tcp', 'fwmark:7'])
      assert.equal(await owner(vip, soon), `keepalived (pid ${process.pid}, ${path}) manages this service`, vip);
    for (const vip of ['192.0.2.10:81/tcp', '192.0.2.11:80/tcp', 'fwmark:8', 'nonsense'])
      assert.equal(await owner(vip, soon), undefined, vip);
  });

  it('may be keepalived when its file is not understood or can not be read', async () => {
    const unclear = ownerOf(file('unclear.conf', 'virtual_server $VIP 80 {\n'));
    assert.match(
      (await unclear('192.0.2.10:80/tcp', soon)) ?? '',
      /may manage this service: "virtual_server \$VIP 80 \{" in its configuration/,
    );
    const variable = ownerOf(file('include.conf', 'include $DIR/*.conf\n'));
    assert.match((await variable('192.0.2.10:80/tcp', soon)) ?? '', /may manage this service: "include \$DIR/);
    assert.match(
      (await ownerOf(dir)('192.0.2.10:80/tcp', soon)) ?? '',
      /may manage this service: its configuration can't be read: .*EISDIR/,
    );
  });

  it('is nobody without a keepalived, and that is asked again only after a while', async () => {
    let now = 0;
    let asked = 0;
    const owner = keepalivedOwner(
      () => now,
      () => Promise.resolve([]).finally(() => asked++),
    );
    for (now of [0, 1, 5000, 5001]) assert.equal(await owner('192.0.2.10:80/tcp', soon), undefined);
    assert.equal(asked, 2);
    assert.equal(await keepalivedOwner(() => 0)('203.0.113.254:9/tcp', soon), undefined, 'of the real processes of this machine');
  });

  it('is where the arguments say', () => {
    const files: [string[], string | undefined][] = [
      [['keepalived'], undefined],
      [['keepalived', '-nlf', '/k.conf'], '/k.conf'],
      [['keepalived', '-n', '-f/k.conf'], '/k.conf'],
      [['keepalived', '--use-file=/k.conf'], '/k.conf'],
      [['keepalived', '--use-file', '/k.conf', '-D'], '/k.conf'],
      [['keepalived', '--dont-fork', '--log-console'], undefined],
    ];
    for (const [argv, path] of files) assert.equal(configFileOf(argv), path, argv.join(' '));
  });
});
