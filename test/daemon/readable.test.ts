import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readableSecrets } from '../../src/daemon/readable.ts';
import { planOf } from '../act/world.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-readable-'));
after(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'f.yaml');
const plain = `nics: [{name: eth2}]\nservices: [{vip: '10.0.0.1:80/tcp', realServers: ['10.1.0.1:80']}]\n`;

test('a configuration with secrets that every user can read is said, one without is not', () => {
  const withToken = `${plain}web: {authentication: {bearerToken: a-token-of-sixteen-chars}}\n`;
  const withHeader = plain.replace('realServers', 'check: {type: http, headers: {X-Key: abc}}, realServers');
  const withPath = plain.replace('realServers', "actuator: {webhook: {url: 'https://hooks.example/T0/B0/xyz'}}, realServers");
  const withServer = plain.replace('realServers', "actuator: {dpvs: {url: 'http://192.0.2.80:81'}}, realServers");
  for (const [text, said] of [
    [plain, false],
    [withServer, false],
    [withToken, true],
    [withHeader, true],
    [withPath, true],
  ] as const) {
    writeFileSync(path, text);
    chmodSync(path, 0o644);
    const sentence = readableSecrets(path, planOf(text));
    assert.equal(sentence !== undefined, said, text);
    if (said) assert.match(sentence!, /f\.yaml holds secrets, and every user can read it: chmod 0640/);
    chmodSync(path, 0o640);
    assert.equal(readableSecrets(path, planOf(text)), undefined);
  }
  assert.equal(readableSecrets(join(dir, 'none'), planOf(withToken)), undefined);
});
