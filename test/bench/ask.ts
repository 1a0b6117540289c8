/** Runs parts of the bench in processes of their own. */
import { spawn } from 'node:child_process';

/** Starts a program; resolves with its standard output when it ended with 0. */
export function outputOf(program: string, args: readonly (string | number)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}: ${out}`));
    });
  });
}

/**
 * Runs a bench file in its own process; returns the last line of its output as JSON. Numbers that are not finite arrive as null.
 */
export async function ask<T>(file: string): Promise<T> {
  const out = await outputOf(process.execPath, ['--expose-gc', new URL(file, import.meta.url).pathname, '--json']);
  return JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as T;
}
