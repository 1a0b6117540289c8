import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { checkConfig } from '../../src/cli/check-config.ts';
import { diffPlans } from '../../src/config/diff.ts';
import { loadPlan } from '../../src/config/load.ts';
import { configJsonSchema, type JsonSchema } from '../../src/config/json-schema.ts';
import { isSecret, keysWith, secretKeys, withoutSecrets } from '../../src/config/secrets.ts';
import { configKeys } from './keys.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-secrets-'));
after(() => rmSync(dir, { recursive: true }));

/** What must be found nowhere. As a bearer token, a header value and the digits of a hash it would be accepted. */
const SECRET = 'c0ffee5ec7e7c0ffee5ec7e7c0ffee5ec7e7c0ffee5ec7e7c0ffee5ec7e7abcd';

const nics = (onFail: string) => `nics: [{name: eth2, onFail: [${onFail}]}]\n`;
const service = (more: string) => `services: [{vip: '10.0.0.1:80/tcp', realServers: ['10.1.0.1:80'], ${more}}]\n`;
const plain = `${nics('')}${service('panic: 0.5')}`;

/** A file with `value`, YAML text, at each place of the schema that is secret. A place without an entry fails the test below. */
const PLACES: Readonly<Record<string, (value: string) => string>> = {
  'check http.headers': (v) => `${nics('')}${service(`check: {type: http, headers: ${v}}`)}`,
  'check ssl.headers': (v) => `${nics('')}checks: {own: {type: ssl, headers: ${v}}}\n${service('check: own')}`,
  'webhook.headers': (v) => `${nics(`webhook: {url: 'http://192.0.2.80/', headers: ${v}}`)}${service('panic: 0.5')}`,
  'dpvs.headers': (v) => `${nics('')}${service(`actuator: {dpvs: {url: 'http://192.0.2.80', headers: ${v}}}`)}`,
  'collectors.sync.peers[].headers': (v) =>
    `${plain}collectors: {sync: {peers: [{server: b, url: 'http://192.0.2.2', headers: ${v}}]}}\n`,
  'opentelemetry.headers': (v) => `${plain}opentelemetry: {endpoint: 'http://127.0.0.1:4318', headers: ${v}}\n`,
  'report.to.webhook.headers': (v) =>
    `${plain}report: {schedule: '0 8 * * *', to: {webhook: {url: 'https://192.0.2.80/x', headers: ${v}}}}\n`,
  'web.authentication': (v) => `${plain}web:\n  authentication: ${v}\n`,
  'web.authentication.bearerToken': (v) => `${plain}web:\n  authentication:\n    bearerToken: ${v}\n`,
  'web.authentication.basic.passwordSha256': (v) =>
    `${plain}web: {authentication: {basic: {username: ops, passwordSha256: ${v}}}}\n`,
  'web.authentication.basic.passwordHash': (v) => `${plain}web: {authentication: {basic: {username: ops, passwordHash: ${v}}}}\n`,
};
/** A hash whose salt and digest must not be seen either. */
const HASHED = `$scrypt$ln=15,r=8,p=1$${SECRET.slice(0, 22)}$${SECRET.slice(0, 43)}`;
const isMapping = (place: string) => place.endsWith('headers');
/** The value that makes the file of a place valid. */
const right = (place: string) =>
  place.endsWith('passwordHash')
    ? JSON.stringify(HASHED)
    : isMapping(place)
      ? `{Authorization: ${SECRET}}`
      : place === 'web.authentication'
        ? `{bearerToken: ${SECRET}}`
        : SECRET;

/** Slips of the pen: the secret in a value of another kind, too long, as a key, and as YAML that means something else. */
const SLIPS = [
  SECRET,
  `"${SECRET}\\n"`,
  `[${SECRET}]`,
  `[[${SECRET}]]`,
  `{"Bearer ${SECRET}": x}`,
  `{Authorization: [${SECRET}]}`,
  `{bearerTokn: ${SECRET}}`,
  `{"${SECRET}": "${SECRET}"}`,
  `${SECRET.repeat(80)}`,
  `{Authorization: "${SECRET.repeat(80)}"}`,
  `{Authorization: "${SECRET}\\u0001"}`,
  `{Authorization: *${SECRET}}`,
  ...['*', '&', '!', '!!', '%', '`', '@', '"', "'", '{', '[', '>', '|', '- '].map((sign) => `${sign}${SECRET}`),
  `${SECRET}: ${SECRET}: x`,
  `"${SECRET}" "${SECRET}"`,
  `${SECRET}\n  ${SECRET}`,
  `${SECRET}\n---\n${SECRET}`,
  `http://user:${SECRET}@192.0.2.1/`,
  `!<${SECRET}> x`,
  `[${SECRET}`,
];

/** The name of a header may be printed, so a valid one is no place for a secret. */
const printable = (place: string, slip: string) => isMapping(place) && slip === `{"${SECRET}": "${SECRET}"}`;

function messageOf(text: string): string {
  try {
    loadPlan(text, 'f.yaml', { hostname: 'lb' });
    return '';
  } catch (error) {
    const { message, problems } = error as Error & { problems: unknown };
    return `${message}\n${JSON.stringify(problems)}`;
  }
}

/** As the JSON Schema of the file has them. */
function markedIn(schema: JsonSchema, mark: 'secret' | 'private'): string[] {
  const { anyOf = [], oneOf = [], items, additionalProperties, properties = {} } = schema;
  const below = [...anyOf, ...oneOf, ...(items ? [items] : [])];
  if (typeof additionalProperties === 'object') below.push(additionalProperties);
  const own = Object.entries(properties).flatMap(([name, s]) => [...(s[mark] === true ? [name] : []), ...markedIn(s, mark)]);
  return [...own, ...below.flatMap((branch) => markedIn(branch, mark))];
}

describe('secrets', () => {
  it('are the keys that the JSON Schema marks', () => {
    for (const mark of ['secret', 'private'] as const)
      assert.deepEqual(keysWith(mark), new Set(markedIn(configJsonSchema(), mark)));
    assert.ok(secretKeys().size > 3);
  });

  const marked = configKeys().filter((key) => secretKeys().has(key.path.split('.').at(-1)!));

  it('are known from the schema, each with a place in this test', () => {
    assert.deepEqual(marked.map((key) => key.path).toSorted(), Object.keys(PLACES).toSorted());
  });

  it('are marked wherever a key sounds like one', () => {
    const sounding = configKeys().filter(({ path }) => /token|passw|secret|credential|headers|authenticat|apikey/i.test(path));
    assert.deepEqual(
      sounding.filter(({ path }) => !isSecret(path.split('.'))),
      [],
    );
  });

  for (const [place, file] of Object.entries(PLACES)) {
    it(`are in nothing that check-config prints: ${place}`, async () => {
      const path = join(dir, 'good.yaml');
      writeFileSync(path, file(right(place)));
      for (const args of [[path], [path, '--json']]) {
        let printed = '';
        const io = { out: (text: string) => void (printed += text), err: (text: string) => void (printed += text) };
        assert.equal(await checkConfig(args, io), 0, printed);
        assert.ok(!printed.includes(SECRET.slice(0, 22)), printed);
      }
    });

    it(`are in no description of a reload: ${place}`, () => {
      const plan = (text: string) => loadPlan(text, 'f.yaml', { hostname: 'lb' });
      const diff = diffPlans(plan(plain), plan(file(right(place))));
      assert.ok(!diff.same);
      assert.ok(!JSON.stringify(diff).includes(SECRET), JSON.stringify(diff));
    });

    it(`are in no message about a mistake: ${place}`, () => {
      let refused = 0;
      for (const slip of SLIPS.filter((s) => !printable(place, s))) {
        const message = messageOf(file(slip));
        if (message !== '') refused++;
        assert.ok(!message.includes(SECRET.slice(0, 12)), `${slip}: ${message}`);
      }
      assert.ok(refused > SLIPS.length / 2, `${refused} of ${SLIPS.length} are mistakes`);
    });
  }

  it('are not in a URL that is shown', () => {
    const message = messageOf(`${nics(`webhook: {url: 'http://ops:${SECRET}@192.0.2.80/'}`)}${service('panic: 0.5')}`);
    assert.match(message, /"http:\/\/…@192\.0\.2\.80\/" must not hold a user or password/);
    assert.ok(!message.includes(SECRET));
    for (const plainly of ['http://192.0.2.80', 'https://[fd70::1]:2379', 'http://h/', 'http://h'])
      assert.equal(withoutSecrets(plainly), plainly);
    for (const more of [`/${SECRET}`, `//${SECRET}`, `?${SECRET}`, `/?${SECRET}`, `#${SECRET}`, `/#${SECRET}`])
      assert.equal(withoutSecrets(`http://192.0.2.80:81${more}`), 'http://192.0.2.80:81/…');
    assert.equal(withoutSecrets(`http://ops:${SECRET}@h`), 'http://h/…');
  });

  it('leave the names of a mapping, at any depth, and nothing of other values', () => {
    const shown = withoutSecrets({ a: [{ headers: { x: SECRET } }], bearerToken: SECRET, b: null, c: 1 });
    assert.deepEqual(shown, { a: [{ headers: ['x'] }], bearerToken: '(secret)', b: null, c: 1 });
  });
});
