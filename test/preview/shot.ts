/** Draws a dashboard in chromium and takes its picture. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import type { Bundle } from './bundle.ts';
import type { Preview, Report } from './page/model.ts';

const WIDTH = 1600;
const TIMEOUT_MS = 60_000;

const PAGE = (preview: Preview) => `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="/main.css">
<style>*, *::before, *::after { box-sizing: border-box } body { margin: 0 }</style><div id="root"></div>
<script>window.__grafana_public_path__ = '/public/';
window.PREVIEW = ${JSON.stringify(preview).replaceAll('<', '\\u003c')}</script>
<script src="/main.js"></script>`;

/** A palette of 256 colours: a fourth of the size, and no difference that an eye finds on a page of plain colours. */
function compact(path: string): void {
  const { status, stderr } = spawnSync('pngquant', ['--force', '--strip', '--output', path, '256', path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`pngquant ${path}: ${stderr}`);
}

export class Camera {
  readonly #browser: Browser;
  readonly #server: Server;
  #preview: Preview | undefined;

  private constructor(browser: Browser, bundle: Bundle) {
    this.#browser = browser;
    const files: Readonly<Record<string, readonly [string, () => string | Buffer]>> = {
      '/': ['text/html', () => PAGE(this.#preview!)],
      '/main.js': ['text/javascript', () => bundle.script],
      '/main.css': ['text/css', () => bundle.style],
    };
    this.#server = createServer((req, res) => {
      const path = new URL(req.url ?? '/', 'http://preview').pathname;
      const icon = join(bundle.icons, path.replace('/public/', ''));
      const [type, content] =
        files[path] ?? (path.endsWith('.svg') && existsSync(icon) ? ['image/svg+xml', () => readFileSync(icon)] : []);
      if (content === undefined) res.writeHead(404).end();
      else res.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(content());
    });
  }

  static async open(bundle: Bundle): Promise<Camera> {
    const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
    const camera = new Camera(await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] }), bundle);
    await new Promise<void>((resolve) => camera.#server.listen(0, '127.0.0.1', resolve));
    return camera;
  }

  /** Writes the picture to `path`; @returns what became of each panel, in the order of the dashboard. */
  async shoot(preview: Preview, path: string): Promise<readonly Report[]> {
    this.#preview = preview;
    const page = await this.#browser.newPage({ viewport: { width: WIDTH, height: 900 } });
    try {
      let broken = '';
      page.on('pageerror', (error) => (broken ||= error.message));
      await page.goto(`http://127.0.0.1:${(this.#server.address() as { port: number }).port}/`);
      const panels = preview.dashboard.panels.filter((p) => p.type !== 'row').length;
      await page
        .waitForFunction(
          `window.previewFailed !== undefined || Object.keys(window.previewReports).length >= ${panels}`,
          undefined,
          { timeout: TIMEOUT_MS },
        )
        .catch((error: Error) => (broken ||= error.message));
      // Drawing follows the report.
      await page.waitForTimeout(700);
      await page.screenshot({ path, fullPage: true });
      compact(path);
      broken = ((await page.evaluate('window.previewFailed')) as string | null | undefined) ?? broken;
      if (broken !== '') throw new Error(`${preview.dashboard.title}: ${broken}`);
      const reports = (await page.evaluate('window.previewReports')) as Record<number, Report>;
      return preview.dashboard.panels.flatMap((p) => reports[p.id] ?? []);
    } finally {
      await page.close();
    }
  }

  async close(): Promise<void> {
    this.#server.close();
    await this.#browser.close();
  }
}
