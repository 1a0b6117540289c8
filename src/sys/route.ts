/** Asks the kernel which device a packet would leave by. */
import { spawn } from 'node:child_process';

/**
 * `ip -j route get` for many destinations in one child.
 * @returns the device per destination; undefined where there is no route or iproute2 is missing.
 */
export function routeDevices(destinations: readonly string[], source: string | undefined): Promise<(string | undefined)[]> {
  return new Promise((resolve) => {
    const none = () => destinations.map(() => undefined);
    const child = spawn('ip', ['-o', '-force', '-batch', '-'], { stdio: ['pipe', 'pipe', 'ignore'] });
    let out = '';
    child.on('error', () => resolve(none()));
    if (child.pid === undefined) return; // no such program, or no free descriptor: then there are no pipes either
    child.stdin.on('error', () => undefined); // the child ended early: its answers end early too
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
    });
    child.on('close', () => {
      const found = new Map<string, string>();
      for (const line of out.split('\n')) {
        const m = /^(?:local |unicast )?(\S+)\b.* dev (\S+)/.exec(line);
        if (m && !/^(unreachable|blackhole|prohibit)/.test(line)) found.set(m[1]!, m[2]!);
      }
      resolve(destinations.map((d) => found.get(d)));
    });
    child.stdin.end(destinations.map((d) => `route get ${d}${source === undefined ? '' : ` from ${source}`}\n`).join(''));
  });
}
