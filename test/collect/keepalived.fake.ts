/**
 * A process that answers like keepalived's VRRP process, with SIGUSR2 for JSON: `node keepalived.fake.ts DUMP MODE`, DUMP being
 * what it dumps. Modes: slow: writes the file in place in three steps; silent: nothing; broken: half of it.
 */
import { mkdirSync, readFileSync, truncateSync, appendFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';

const [, , source = '', mode = ''] = process.argv;
const dir = process.env['TMPDIR'] ?? '';
const file = join(dir, 'keepalived.json');
const text = readFileSync(source, 'utf8');
const half = text.length >> 1;

mkdirSync(dir, { recursive: true });
writeFileSync(file, text);

async function dump(): Promise<void> {
  if (mode === 'silent') return;
  truncateSync(file);
  await sleep(60);
  appendFileSync(file, text.slice(0, half));
  if (mode === 'broken') return;
  await sleep(60);
  appendFileSync(file, text.slice(half));
}

process.on('SIGUSR2', () => void dump());
setInterval(() => undefined, 1000);
process.stdout.write('ready\n');
