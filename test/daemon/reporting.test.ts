import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, mock, test } from 'node:test';
import { loadPlan } from '../../src/config/load.ts';
import { Reporting, type ReportingParts } from '../../src/daemon/reporting.ts';

const dir = mkdtempSync(join(tmpdir(), 'fourlane-reporting-'));
after(() => rmSync(dir, { recursive: true }));
const TEXT = 'Shadow of keepalived since then: 2 real servers compared, 1 differ now.\nNow different:\n';
const ANSWER = { compared: 2, agreeing: 1, report: TEXT };

const planOf = (report: object) =>
  loadPlan(JSON.stringify({ cluster: 'edge', nics: [{ name: 'eth2' }], report }), 'f', { hostname: 'lb-01' });
const settingsOf = (to: object) => planOf({ schedule: '0 8 * * *', to }).report!;

function stage() {
  const lines: string[] = [];
  const write = (level: string) => (fields: { error?: string; to?: string }, message: string) =>
    void lines.push([level, message, fields.to, fields.error].filter(Boolean).join(' | '));
  const log = { info: write('info'), warn: write('warn'), error: write('error') };
  const plan = () => planOf({ schedule: '0 8 * * *' });
  const parts = { log, plan, report: () => ANSWER, wall: () => 1_700_000_000_000 } as unknown as ReportingParts;
  return { lines, reporting: new Reporting(parts) };
}

test('goes into the log line by line, into a file that holds the last one, and to a URL as JSON', async () => {
  const bodies: unknown[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      bodies.push([request.headers['authorization'], JSON.parse(body)]);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { lines, reporting } = stage();
    const file = join(dir, 'shadow.txt');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    const settings = settingsOf({ log: true, file, webhook: { url, headers: { authorization: 'Bearer x' } } });
    await reporting.send(settings);
    await reporting.send(settings);
    assert.deepEqual(
      lines.slice(0, 2),
      TEXT.trimEnd()
        .split('\n')
        .map((line) => `info | report: ${line}`),
    );
    assert.equal(readFileSync(file, 'utf8'), TEXT);
    const body = { version: 1, kind: 'shadow', cluster: 'edge', server: 'lb-01', at: '2023-11-14T22:13:20.000Z' };
    assert.deepEqual(bodies[1], ['Bearer x', { ...body, compared: 2, agreeing: 1, text: TEXT }]);
  } finally {
    server.close();
  }
});

test('a place that fails is logged once, holds up no other one, and is tried again the next time', async () => {
  let status = 503;
  const server = createServer((_, response) => response.writeHead(status).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { lines, reporting } = stage();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-path`;
    const settings = settingsOf({ file: join(dir, 'none', 'file'), webhook: { url } });
    for (let k = 0; k < 3; k++) await reporting.send(settings);
    assert.equal(lines.length, 2, lines.join('\n'));
    const told = lines.find((line) => line.includes('webhook'))!;
    assert.match(told, /not sent; tried again at the next time \| webhook \| .*answered 503/);
    assert.ok(!lines.join().includes('secret-path'));
    status = 200;
    await reporting.send(settings);
    assert.equal(lines[2], 'info | report sent again | webhook');
  } finally {
    server.close();
  }
});

test('without a service in shadow mode there is nothing to report, which is told', async () => {
  const lines: string[] = [];
  const none = new Reporting({
    log: { warn: (_: object, message: string) => lines.push(message) },
    plan: () => planOf({ schedule: '0 8 * * *' }),
    report: () => undefined,
  } as unknown as ReportingParts);
  await none.send(settingsOf({ log: true }));
  assert.deepEqual(lines, ['no service is in shadow mode: there is nothing to report']);
});

test('at its times in its time zone, until another plan has no report', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.parse('2026-11-30T06:59:58.500Z') });
  try {
    const { lines, reporting } = stage();
    reporting.follow(planOf({ schedule: '0 8 * * 1-5', timezone: 'Europe/Berlin' }).report);
    const turn = async (ms: number) => {
      for (let k = 0; k < ms; k += 250) {
        mock.timers.tick(250);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await turn(1000);
    assert.deepEqual(lines, []);
    await turn(3000);
    assert.equal(lines.length, 2);
    reporting.follow(undefined);
    await turn(5000);
    assert.equal(lines.length, 2);
    await reporting.stop();
  } finally {
    mock.timers.reset();
  }
});

test('a schedule that is none is refused with its place, what was found and what to write', () => {
  const refused = (report: object) => {
    try {
      planOf(report);
    } catch (error) {
      return (error as Error).message;
    }
    return assert.fail('accepted');
  };
  assert.match(refused({ schedule: 'daily' }), /report\.schedule: .*daily.*has 1 fields; write five: minute, hour/);
  assert.match(refused({ schedule: '61 8 * * *' }), /report\.schedule: .*has a wrong minute: 61; write minute, hour/);
  assert.match(refused({ schedule: '0 8 * * *', timezone: 'Mars/Olympus' }), /report\.timezone: .*no time zone that is known/);
  assert.match(refused({ schedule: '0 8 * * *', to: {} }), /report\.to: .*names no place; write log: true/);
  assert.match(refused({ schedule: '0 8 30 2 *' }), /report\.schedule: .*has a wrong day of month: 30/);
  assert.deepEqual(planOf({ schedule: '*/5 0-3 * jan mon' }).report!.to, { log: true });
});
