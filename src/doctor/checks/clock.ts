import type { Check, Finding } from '../check.ts';

/** Nobody can have this program before. */
const EARLIEST = Date.UTC(2025, 0, 1);
/** Peers that differ by more than this date the same fault differently, ms. */
const MOST_ERROR_MS = 500;
const SYNC = 'timedatectl set-ntp true   # or: systemctl enable --now chrony';
const SOURCE = '/sys/devices/system/clocksource/clocksource0';
/** Clock sources that cost a system call and more each time. */
const SLOW = new Set(['hpet', 'acpi_pm', 'jiffies', 'refined-jiffies']);

export const clock: Check = {
  name: 'clock',
  roles: ['load-balancer', 'real-server'],
  summary: 'the clock is right and quick to read',
  async run({ host }) {
    const findings: Finding[] = [];
    const year = new Date(host.now()).getUTCFullYear();
    const { synchronised, maxErrorMs } = host.clock();
    if (host.now() < EARLIEST) {
      findings.push({ outcome: 'fail', message: `the clock says ${year}: certificates and logs will be wrong`, fix: SYNC });
    } else if (!synchronised) {
      findings.push({
        outcome: 'warn',
        message: 'no NTP keeps the clock: logs of several servers can not be compared',
        fix: SYNC,
      });
    } else if (maxErrorMs > MOST_ERROR_MS) {
      findings.push({
        outcome: 'warn',
        message: `the clock may be off by ${Math.round(maxErrorMs)} ms`,
        fix: 'chronyc makestep',
      });
    } else {
      findings.push({ outcome: 'ok', message: `synchronised, off by ${Math.ceil(maxErrorMs)} ms at most` });
    }
    const source = (await host.read(`${SOURCE}/current_clocksource`))?.trim();
    if (source !== undefined && SLOW.has(source)) {
      const other = ((await host.read(`${SOURCE}/available_clocksource`)) ?? '')
        .trim()
        .split(/\s+/)
        .find((part) => !SLOW.has(part));
      const message = `clock source ${source} is slow: every time stamp of a probe costs microseconds`;
      const fix = other === undefined ? {} : { fix: `echo ${other} > ${SOURCE}/current_clocksource` };
      findings.push({ outcome: 'warn', subject: 'source', message, ...fix });
    }
    return findings;
  },
};
