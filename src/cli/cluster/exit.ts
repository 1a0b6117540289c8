/** Exit codes of `fourlane cluster`, for scripts; docs/cluster.md has them from here. */
import { OUTCOMES } from '../../cluster/barrier/barrier.ts';
import type { ErrorCode } from '../../model/errors.ts';

export const EXIT = {
  ...OUTCOMES,
  /** `plan`: it would change something; `status`: something is not as it should be. */
  differs: 2,
  conflict: 5,
  unreachable: 6,
} as const;

export const EXIT_TEXT: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'done; nothing to do; nothing differs',
  failed: 'refused, failed, halted or rolled back; also wrong words and options',
  differs: '`plan`: something would change, and may; `status`: something is not as it should be',
  absent: 'all servers have done it but absent ones, more than `--allow-absent`',
  waiting: 'not all servers had done it within `--timeout`, or the wait was ended; what was begun goes on',
  conflict: 'somebody else was first, or a rollout is under way; no server was given anything',
  unreachable: 'etcd does not answer, or refuses the certificate',
};

/** The exit code of an error. */
export function exitOf(code: ErrorCode): number {
  if (code === 'CLUSTER_CONFLICT') return EXIT.conflict;
  return code === 'CLUSTER_UNREACHABLE' ? EXIT.unreachable : EXIT.failed;
}

/** The table as lines of a help text. */
export const EXIT_HELP = Object.entries(EXIT)
  .toSorted(([, a], [, b]) => a - b)
  .map(([name, code]) => `  ${code}  ${EXIT_TEXT[name as keyof typeof EXIT]}`)
  .join('\n');
