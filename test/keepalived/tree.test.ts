import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { blocksWith, CATALOGUE, defaultOf, keywordOf } from '../../src/keepalived/catalogue/index.ts';
import { problemsOf } from '../../src/keepalived/catalogue/arguments.ts';
import { readTree } from '../../src/keepalived/read/read.ts';
import { placeOf } from '../../src/keepalived/read/source.ts';
import { type Block, everyStatement } from '../../src/keepalived/read/tree.ts';

/** A block as one line: `keyword(inner inner) keyword`. */
function shape(block: Block): string {
  return block.statements.map((s) => s.name + (s.block === undefined ? '' : `(${shape(s.block)})`)).join(' ');
}

function problems(text: string) {
  const { root, problems: found } = readTree('k', text);
  return { shape: shape(root), found: found.map(({ code, at }) => `${placeOf(at)} ${code}`), tree: found };
}

const INSTANCE = 'vrrp_instance V {\n  priority 100\n  virtual_ipaddress {\n    10.0.0.1\n';

describe('a tree goes on after a mistake and reports it once', () => {
  const cases: [name: string, text: string, shape: string, found: string[]][] = [
    ['a brace missing at the end', INSTANCE, 'vrrp_instance(priority virtual_ipaddress(10.0.0.1))', ['k:3:3 missing-brace']],
    [
      'a brace missing inside, seen by the indentation',
      `${INSTANCE}}\nvrrp_instance W {\n  priority 90\n}\n`,
      'vrrp_instance(priority virtual_ipaddress(10.0.0.1)) vrrp_instance(priority)',
      ['k:3:3 missing-brace'],
    ],
    ['a brace too many', `${INSTANCE}}\n}\n}\n`, 'vrrp_instance(priority virtual_ipaddress(10.0.0.1))', ['k:7:1 extra-brace']],
    ['a keyword misspelt', 'vrrp_instance V {\n prioirty 100\n}', 'vrrp_instance(priority)', ['k:2:2 keyword-unknown']],
    [
      'a block misspelt',
      'virtual_server 10.0.0.1 80 {\n real_server 10.0.0.2 80 {\n  TCP_CHEK {\n   retry 3\n  }\n  weight 1\n }\n}',
      'virtual_server(real_server(TCP_CHECK(retry) weight))',
      ['k:3:3 keyword-unknown'],
    ],
    [
      'a block nobody knows',
      'nothing_like_it {\n a b\n c {\n d\n }\n}\ninstance x',
      'nothing_like_it(a c(d)) instance',
      ['k:1:1 keyword-unknown'],
    ],
    ['a keyword of another block', 'track_script {\n c\n}\ninstance x', 'track_script(c) instance', ['k:1:1 keyword-misplaced']],
    ['a block without its brace', 'vrrp_instance V\n  priority 100\n}', 'vrrp_instance(priority)', ['k:1:1 missing-open-brace']],
    [
      'words instead of a block',
      'vrrp_instance V {\n  track_script chk\n  priority 100\n}',
      'vrrp_instance(track_script priority)',
      ['k:2:16 extra-word', 'k:2:3 missing-open-brace'],
    ],
    [
      'a block where none is taken',
      'vrrp_instance V {\n priority 100 {\n x\n }\n nopreempt\n}',
      'vrrp_instance(priority(x) nopreempt)',
      ['k:2:15 unexpected-brace'],
    ],
    ['a brace out of nothing', '{\n x\n}\ninstance y', 'instance', ['k:1:1 unexpected-brace']],
    [
      'keywords on one line',
      'vrrp_instance V { state BACKUP interface eth0 virtual_router_id 51 }',
      'vrrp_instance(state interface virtual_router_id)',
      ['k:1:32 keywords-on-one-line'],
    ],
    ['words too many', 'vrrp_instance V {\n priority 100 // high\n}', 'vrrp_instance(priority)', ['k:2:15 foreign-comment']],
    [
      'a comment of another language',
      '// x\n; y\ninstance z',
      '// ; instance',
      ['k:1:1 foreign-comment', 'k:2:1 foreign-comment'],
    ],
    ['a keyword in other case', 'vrrp_instance V {\n PRIORITY 100\n}', 'vrrp_instance(priority)', ['k:2:2 keyword-unknown']],
  ];
  for (const [name, text, expected, found] of cases) {
    it(name, () => {
      const read = problems(text);
      assert.equal(read.shape, expected);
      assert.deepEqual(read.found, found);
    });
  }

  it('says in which file it noticed that a brace is missing, when that is another one', () => {
    const files = (path: string) => [{ path, text: `virtual_server 10.0.0.${path} 80 {\n` }];
    const { problems: found } = readTree('k', 'include 1\ninclude 2\nvirtual_server_group g {\n', { files });
    assert.deepEqual(
      found.filter(({ code }) => code === 'missing-brace').map(({ at, message }) => `${placeOf(at)} ${message}`),
      [
        '1:1:1 its } is missing before virtual_server in line 1 of 2',
        '2:1:1 its } is missing before virtual_server_group in line 3 of k',
        'k:3:1 its } is missing before the end of the file',
      ],
    );
  });

  it('bounds the depth of blocks', () => {
    const { tree } = problems('a {\n'.repeat(1000) + '}\n'.repeat(1000));
    assert.deepEqual([...new Set(tree.map((p) => p.code))].sort(), ['keyword-unknown', 'too-large']);
  });

  it('is undisturbed by what is right', () => {
    assert.deepEqual(
      problems(`${INSTANCE}  }\n}\nstatic_routes {\n 10.0.0.0/8 via 10.0.0.1\n}\nglobal_defs {\n vrrp_strict\n}`).found,
      [],
    );
  });
});

describe('the catalogue', () => {
  const found = (text: string) =>
    [...everyStatement(readTree('k', text).root)].flatMap(problemsOf).map(({ code, at }) => `${code} ${at.column}`);
  const cases: [text: string, found: string[]][] = [
    ['vrrp_instance V {\npriority 300\n}', ['value-invalid 10']],
    ['vrrp_instance V {\npriority\n}', ['value-missing 1']],
    [
      'vrrp_instance V {\nadvert_int 0.5\npreempt_delay 1000.1\nadvert_int 1.1234567\n}',
      ['value-invalid 15', 'value-invalid 12'],
    ],
    ['vrrp_instance V {\nstate SLAVE\n}', ['value-invalid 7']],
    ['vrrp_instance V {\nsmtp_alert maybe\nsmtp_alert\nsmtp_alert on\n}', ['value-invalid 12']],
    [
      'vrrp_instance V {\nmcast_src_ip 10.0.0.300\ninterface a-name-that-is-too-long\n}',
      ['value-invalid 14', 'value-invalid 11'],
    ],
    ['vrrp_script c {\nweight -254\nweight -5 reverse\nweight 5 backwards\n}', ['value-invalid 8', 'value-invalid 10']],
    ['virtual_server 10.0.0.1 80 {\nprotocol tcp\nlb_algo RR\nlb_kind DR\n}', ['value-invalid 9']],
    ['virtual_server 10.0.0.1 80 {\npersistence_timeout\n}', []],
    ['vrrp_instance V {\npriority $P\n}', []],
  ];
  for (const [text, expected] of cases) it(text.split('\n')[1]!, () => assert.deepEqual(found(text), expected));

  it('has every keyword once, with defaults that are numbers where they are asked for', () => {
    assert.equal(defaultOf('virtual_server', 'delay_loop'), 60);
    assert.throws(() => defaultOf('vrrp_instance', 'interface'));
    assert.ok(Object.values(CATALOGUE).reduce((sum, block) => sum + Object.keys(block).length, 0) > 400);
    for (const [block, keywords] of Object.entries(CATALOGUE))
      for (const [name, { block: inner }] of Object.entries(keywords))
        assert.ok(
          inner === undefined || inner === 'values' || inner in CATALOGUE,
          `${block} ${name}: there is no block ${inner}`,
        );
    assert.equal(keywordOf('vrrp_instance', 'constructor'), undefined);
    assert.deepEqual(blocksWith('track_script'), ['vrrp_instance', 'vrrp_sync_group']);
  });
});
