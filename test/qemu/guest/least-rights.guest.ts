/** The rights that docs/systemd/fourlane.service.d/ipvs.conf gives, and no others: CAP_NET_ADMIN as user nobody. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ipvsadm, makeNetwork, RS, table, VIP, weightOf } from './net.ts';

const WEB = `${VIP}:80`;
const RS1 = `${RS.rs1}:80`;
const NOBODY = '65534';
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Runs Node as nobody with these capabilities only. */
function asNobody(capabilities: string, ...argv: readonly string[]) {
  const sets = ['--inh-caps', '--ambient-caps', '--bounding-set'].map((set) => `${set}=-all${capabilities}`);
  const user = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', '--no-new-privs'];
  const { status, stdout, stderr } = spawnSync('setpriv', [...user, ...sets, process.execPath, ...argv], { encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
}
const MAIN = at('../../../src/cli/fourlane.mjs');
const collect = (capabilities: string) => asNobody(capabilities, MAIN, 'collect', 'ipvs', '--metrics');
const wanting = import.meta.filename.endsWith('.js') ? './wanting.js' : './wanting.ts';
const out = (capabilities: string) => {
  const script = `const { Wanting } = await import(${JSON.stringify(at(wanting))});
    const { result, message } = await new Wanting('${WEB}/tcp').out('${RS1}'); console.log(result, message ?? '');`;
  return asNobody(capabilities, '--input-type=module', '-e', script);
};

describe('kernel LVS as user nobody', () => {
  before(() => {
    makeNetwork();
    table(`-A -t ${WEB} -s rr`, `-a -t ${WEB} -r ${RS1} -m -w 7`);
  });
  after(() => void ipvsadm('-C'));

  it('with CAP_NET_ADMIN is read and written', () => {
    const read = collect(',+net_admin');
    assert.equal(read.status, 0, read.output);
    assert.match(read.output, new RegExp(`fourlane_real_server_active_connections\\{.*${RS1}`));
    const written = out(',+net_admin');
    assert.match(written.output, /^done/);
    assert.equal(weightOf(WEB, RS1), 0);
  });

  it('without it is neither, and that is told', () => {
    table(`-A -t ${WEB} -s rr`, `-a -t ${WEB} -r ${RS1} -m -w 7`);
    assert.notEqual(collect('').status, 0);
    assert.match(out('').output, /^failed .*CAP_NET_ADMIN/);
    assert.equal(weightOf(WEB, RS1), 7);
  });
});
