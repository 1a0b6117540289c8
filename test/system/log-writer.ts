/**
 * A process of its own that appends numbered lines to a log file until it is ended: `log-writer.ts FILE`. SIGHUP: opens the file
 * anew.
 */
import { closeSync, openSync, writeSync } from 'node:fs';

const [file = ''] = process.argv.slice(2);
/** Lines a second, about, in writes of 4 KiB as DPVS makes them. */
const PER_TURN = 100;
const TURN_MS = 10;
let fd = openSync(file, 'a');
let n = 0;
process.on('SIGHUP', () => {
  closeSync(fd);
  fd = openSync(file, 'a');
});
const timer = setInterval(() => {
  let text = '';
  for (let i = 0; i < PER_TURN; i++) text += `TEST: line ${n++} of a log that is being rotated\n`;
  writeSync(fd, text);
}, TURN_MS);
process.on('SIGTERM', () => {
  clearInterval(timer);
  closeSync(fd);
  process.stdout.write(`${n}\n`);
});
