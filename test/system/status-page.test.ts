/**
 * The status page in a real browser without scripts: what it shows, that it fits, and its pictures (`UPDATE_SCREENSHOTS=1` saves
 * them to docs/).
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import type { AgentView } from '../../src/report/view.ts';
import { TIMEOUT } from '../../src/model/outcome.ts';
import { linkTo, serve, type RunningServer } from '../http/link.ts';
import { fleetAnswer } from '../report/fake-fleet.ts';
import { fakeView, makePlan, PATH_FAULT, RS_FAULT, troubledView } from '../report/fake-view.ts';
import { ensure } from '../../src/lab/ensure.ts';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const WIDTHS = [
  { name: 'desktop', width: 1280, height: 900 },
  { name: 'phone', width: 390, height: 844 },
] as const;

let server: RunningServer;
let context: BrowserContext;
const profile = mkdtempSync(join(tmpdir(), 'fourlane-chromium-'));

before(async () => {
  ensure(['chromium']);
  server = await serve(linkTo(troubledView(), { fleet: async () => fleetAnswer() }));
  context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    args: FLAGS,
    javaScriptEnabled: false,
  });
});
after(async () => {
  await context?.close();
  await server?.close();
  rmSync(profile, { recursive: true, force: true });
});

/** Opens the page; anything the policy or the network refuses is an error of the page. */
async function open(
  port: number,
  { width, height }: { readonly width: number; readonly height: number },
  query = '?pause',
): Promise<Page> {
  const page = await context.newPage();
  await page.setViewportSize({ width, height });
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`));
  const response = await page.goto(`http://127.0.0.1:${port}/${query}`);
  assert.equal(response?.status(), 200);
  assert.deepEqual(complaints, []);
  return page;
}

/** Width of the whole document: more than the window's means that the page scrolls sideways. */
function widest(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth');
}

/**
 * Clicks on a link that leads to `url` and waits for the whole page: one that is closed while its document is being replaced
 * sometimes stays open in Chromium, and `close` waits for ever (microsoft/playwright#42068).
 */
async function follow(link: Locator, url: RegExp): Promise<void> {
  await link.click();
  await link.page().waitForURL(url);
}

for (const size of WIDTHS) {
  test(`${size.name}: the faults, the matrix and the services are there and fit`, async () => {
    const page = await open(server.port, size);
    assert.equal(await page.title(), '3 faults · lb-01 · fourlane');
    const strip = page.locator('.verdict');
    assert.deepEqual(await strip.locator('.tag').allInnerTexts(), ['■ NIC_FAIL', '■ RS_DOWN', '▲ PATH']);
    const worst = await strip.first().innerText();
    assert.match(worst, /eth3[^]*cause: link[^]*for 4 m 12 s[^]*fourlane why nic eth3/);
    assert.ok(
      worst.includes(
        '12 of 12 real servers proven good through other NICs do not answer through eth3, nor does its anchor (192.0.2.1).',
      ),
      worst,
    );
    assert.equal(await page.locator('td.cell').count(), 3 * 12);
    assert.equal(await page.locator('td.cell.link_fail').count(), 13);
    assert.equal(await page.locator('td.cell.service_fail').count(), 2);
    assert.equal(await page.locator('td.cell.path').count(), 1);
    assert.equal(await page.locator('.service').count(), 4);
    assert.match(await page.locator('.service').nth(2).innerText(), /api-eth3[^]*DOWN[^]*no NIC in service/);
    assert.equal(await page.locator('.log li').count(), 6);
    assert.ok(
      (await page.locator('.verdict').first().boundingBox())!.y < size.height / 2,
      'the worst fault is seen without scrolling',
    );
    assert.ok((await widest(page)) <= size.width, 'nothing reaches out of the window');
    await page.close();
  });

  test(`${size.name}: the style sheet is applied, and light differs from dark`, async () => {
    const colours = new Set<string>();
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open(server.port, size);
      await page.emulateMedia({ colorScheme });
      const shot = await page.screenshot({ fullPage: true });
      colours.add(shot.toString('base64'));
      if (process.env['UPDATE_SCREENSHOTS'] === '1') {
        await page.screenshot({
          fullPage: true,
          path: `docs/screenshots/status-${size.name}${colorScheme === 'dark' ? '-dark' : ''}.png`,
        });
      }
      assert.ok((await page.locator('.nic').first().boundingBox())!.width > 250);
      await page.close();
    }
    assert.equal(colours.size, 2);
  });
}

for (const size of WIDTHS)
  test(`${size.name}: the page of the cluster has every server, and fits`, async () => {
    const page = await open(server.port, size, 'cluster?pause');
    assert.match(await page.locator('h1').innerText(), /^3 of 6 servers run what they should$/);
    assert.equal(await page.locator('h2', { hasText: /^Servers/ }).count(), 1);
    assert.match(await page.locator('tr', { has: page.getByRole('rowheader', { name: 'lb-05' }) }).innerText(), /agent lost/);
    assert.ok((await widest(page)) <= size.width, 'nothing reaches out of the window');
    if (process.env['UPDATE_SCREENSHOTS'] === '1')
      await page.screenshot({ fullPage: true, path: `docs/screenshots/cluster-${size.name}.png` });
    await follow(page.getByText('this server').last(), /\/$/);
    await page.close();
  });

test('the links work: pause and resume, evidence, metrics', async () => {
  const page = await open(server.port, WIDTHS[0], '');
  await follow(page.getByText('every 5 s: pause'), /\?pause=1$/);
  await follow(page.getByText('paused: resume'), /\/\?$/);
  await follow(page.getByText('evidence').first(), /\/api\/v1\/why\?nic=eth3$/);
  assert.match(await page.locator('body').innerText(), /"rule":"R3"/);
  await page.goBack();
  await follow(page.getByText('metrics', { exact: true }), /\/metrics$/);
  assert.match(await page.locator('body').innerText(), /fourlane_nic_verdict/);
  await page.close();
});

async function showing(view: AgentView, use: (port: number) => Promise<void>): Promise<void> {
  const own = await serve(linkTo(view));
  try {
    await use(own.port);
  } finally {
    await own.close();
  }
}

test('a big topology on a phone: summary, pages, no overflow', async () => {
  const faults = Array.from({ length: 250 }, (_, k) => ({ nic: k % 8, target: k * 12, outcome: TIMEOUT }));
  await showing(fakeView({ plan: makePlan(8, 3000, 30), faults }), async (port) => {
    const page = await open(port, WIDTHS[1]);
    assert.equal(await page.locator('td.cell').count(), 800);
    assert.ok((await widest(page)) <= WIDTHS[1].width);
    await follow(page.getByText('next →'), /[?&]page=2/);
    assert.match(await page.locator('.pager').innerText(), /page 2 of 3/);
    await page.close();
  });
});

test('long names on a phone: IPv6 addresses, long services, no overflow', async () => {
  const plan = makePlan(3, 4, 1);
  const long = (j: number) => `[fd72:1234:5678:9abc:def0:1234:5678:9a0${j}]:8080`;
  const targets = plan.targets.map((t, j) => ({ ...t, id: `${long(j)}#a-profile-with-a-name`, realServer: long(j) }));
  const services = plan.services.map((s) => ({
    ...s,
    name: `customer-${'x'.repeat(60)}`,
    vip: '[fd71:1234:5678:9abc:def0:1234:5678:9abc]:443/tcp',
  }));
  const down = { ...RS_FAULT, rs: targets[0]!.id, reason: `${targets[0]!.id} refuses connections.` };
  const path = { ...PATH_FAULT, rs: targets[1]!.id };
  const named = { ...plan, targets, services, cluster: 'cluster-with-a-long-name', server: 'lb-01.pop-17.region-3.example.net' };
  await showing(fakeView({ plan: named, verdicts: [down, path] }), async (port) => {
    const page = await open(port, WIDTHS[1]);
    assert.ok((await widest(page)) <= WIDTHS[1].width);
    await page.close();
  });
});
