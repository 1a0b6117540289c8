/** Whether a configuration with secrets can be read by everybody. */
import { statSync } from 'node:fs';
import { canonical } from '../model/canonical.ts';
import { withoutSecrets } from '../config/secrets.ts';
import type { Plan } from '../model/plan.ts';

const OTHERS_READ = 0o004;

/** A sentence for the log; undefined when nothing is wrong. */
export function readableSecrets(path: string, { targets, services, fingerprint: _, ...rest }: Plan): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true || (stat.mode & OTHERS_READ) === 0) return undefined;
  const held = [
    rest,
    [...new Set(targets.map(({ check }) => check))],
    services.map(({ realServers: __, ...service }) => service),
  ];
  if (canonical(held) === canonical(withoutSecrets(held))) return undefined;
  return `${path} holds secrets, and every user can read it: chmod 0640, and chown to root and the group of the agent`;
}
