/** What the parts of the bench share: a line of its table, and how a part that runs in a process of its own is asked. */
import { spawn } from 'node:child_process';

/** Smaller is better. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
  readonly unit: string;
}

/** Runs a bench file in its own process; returns the last line of its output as JSON. */
export function ask<T>(file: string, args: readonly string[] = []): Promise<T> {
  return new Promise((resolve, reject) => {
    const script = new URL(file, import.meta.url).pathname;
    const child = spawn(process.execPath, ['--expose-gc', script, '--json', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.on('close', (code) => {
      const last = out.trimEnd().split('\n').at(-1) ?? '';
      if (last.startsWith('{') || last.startsWith('[')) resolve(JSON.parse(last) as T);
      else reject(new Error(`${file} ended with ${code}: ${out}`));
    });
  });
}
