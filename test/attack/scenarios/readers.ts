/** Clients of the HTTP port: too many, too fast, too slow, guessing, or from a page of another site. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ask } from '../../http/http.ts';
import { attackBeside, type Site } from '../beside.ts';

const CLIENT = fileURLToPath(new URL('../readers.child.ts', import.meta.url));

/** Starts a child that attacks the port as `mode` says. */
function child(mode: string, site: Site): ChildProcess {
  return spawn(process.execPath, [CLIENT, mode, String(site.port)], { stdio: 'ignore' });
}

/** Others are served meanwhile, within a second. */
async function served({ port }: Site, paths: readonly string[] = ['/-/healthy', '/metrics', '/api/v1/status']): Promise<void> {
  for (const path of paths) {
    const from = performance.now();
    const { status } = await ask(port, path);
    assert.equal(status, 200, `${path} answered ${status}`);
    assert.ok(performance.now() - from < 1000, `${path} took ${Math.round(performance.now() - from)} ms`);
  }
}

const by = (name: string, before: string, mode: string, check: (site: Site) => Promise<void> = served) => ({
  family: 'readers',
  name,
  before,
  async attack(site: Site) {
    const attacker = child(mode, site);
    return { check: () => check(site), stop: () => attacker.kill('SIGKILL') };
  },
});

export const readers = [
  attackBeside({ ...by('one burst of 1 450 × /api/v1/status, never read', '100 s dead, 4 GB', 'burst'), short: true }),
  attackBeside(by('20 connections × 1 400 × / ahead', 'action after 13.8 s instead of 1.1 s', 'pages')),
  attackBeside(by('200 connections, /api/v1/status, never read', '16.8 s dead, 957 MB', 'unread')),
  attackBeside(by('1 000 idle connections after one request each', '503 to everybody for 75 s', 'idle')),
  attackBeside(by('1 000 connections that say nothing', 'RST for 5 s', 'silent')),
  attackBeside(by('/metrics by 16 that never read', 'Prometheus gets 503 for 27 s', 'slow')),
  attackBeside({
    ...by('reload by everybody on loopback, 100 at once, again and again', '28 s, longest gap 20.8 s', 'reload', async (site) => {
      await served(site);
      assert.equal((await ask(site.port, '/-/reload', { method: 'POST' })).status, 403);
      assert.equal(site.agent.logged(/^config:/), undefined, 'nothing was loaded');
    }),
  }),
  attackBeside({
    ...by('passwords guessed as fast as they go', '5 000 in 0.98 s, not counted', 'guess', async (site) => {
      await served(site);
      const wrong = (await site.agent.metric('fourlane_http_wrong_credentials_total')) ?? 0;
      assert.ok(wrong >= 5 && wrong <= 15, `${wrong} guesses were looked at`);
      assert.ok(site.agent.logged(/wrong credentials/), 'nothing is said of them');
    }),
    config: () => ({ web: { authentication: { bearerToken: 'a-token-that-nobody-guesses' } } }),
  }),
  attackBeside(
    by('a page that rebinds its name to 127.0.0.1', 'topology read', 'rebind', async ({ port }) => {
      const answer = await ask(port, '/api/v1/status', { headers: { host: 'evil.example', origin: 'http://evil.example' } });
      assert.equal(answer.status, 403);
    }),
  ),
];
