/** Commands as tests run them: in this process, with what they print caught; and files for them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Output } from '../../src/cli/output.ts';

export interface Printed {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command to its end. Rejects as it does. */
export async function printed(
  command: (argv: string[], io: Output) => Promise<number>,
  argv: readonly string[],
): Promise<Printed> {
  let [out, err] = ['', ''];
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  const status = await command([...argv], io);
  return { status, out, err };
}

/** A folder of a test file's own, gone after its tests, and a way to write files of lines into it. */
export function scratch(name: string): {
  readonly folder: string;
  readonly file: (name: string, ...lines: readonly string[]) => string;
} {
  const folder = mkdtempSync(join(tmpdir(), `fourlane-${name}-`));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    file(path, ...lines) {
      writeFileSync(join(folder, path), `${lines.join('\n')}\n`);
      return join(folder, path);
    },
  };
}
