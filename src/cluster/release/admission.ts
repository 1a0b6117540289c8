/**
 * Whether a release may be applied: asked by the API before it moves a pointer, and by each server again. An empty or much
 * smaller configuration is an error until somebody says otherwise.
 */
import type { Release } from '../values.ts';
import type { Content } from './content.ts';
import type { ContentDiff } from './diff.ts';

/** Most of the VIPs, and of the real servers, that a release may remove. */
export const MOST_REMOVED = 0.1;

export const REFUSALS = ['poison', 'signature', 'empty', 'emptied', 'removed_vips', 'removed_real_servers'] as const;
export type RefusalReason = (typeof REFUSALS)[number];

export interface Refusal {
  readonly reason: RefusalReason;
  /** What was found, what is allowed, and the remedy. */
  readonly message: string;
}

export interface Admission {
  readonly release: Pick<Release, 'n' | 'root' | 'allow'>;
  readonly next: Content;
  /** From what runs here; left out when nothing does yet. */
  readonly diff?: ContentDiff;
  /** Why the root is poison, by root. */
  readonly poison: ReadonlyMap<string, string>;
  /** Why it is not trusted (`distrust`); left out = it is, or nobody asks. */
  readonly distrusted?: string | undefined;
}

const percent = (share: number) => `${Math.round(share * 1000) / 10} %`;

/** Why the release may not be applied; empty = it may. */
export function refusals({ release, next, diff, poison, distrusted }: Admission): readonly Refusal[] {
  const found: Refusal[] = [];
  const refuse = (reason: RefusalReason, message: string) => void found.push({ reason, message });
  const why = poison.get(release.root);
  if (why !== undefined)
    refuse('poison', `release ${release.n} has the root ${release.root}, which is poison: ${why}; change it and release that`);
  if (distrusted !== undefined) refuse('signature', distrusted);
  if (next.services.size === 0)
    refuse('empty', `release ${release.n} has no services; an empty configuration is never applied: release one with services`);
  if (diff === undefined) return found;
  const most = release.allow?.removed ?? MOST_REMOVED;
  const removed = (reason: RefusalReason, what: string, { before, removed: gone }: ContentDiff['vips']) => {
    if (gone <= most * before) return;
    refuse(
      reason,
      `release ${release.n} removes ${gone} of ${before} ${what} (${percent(gone / before)}); allowed: ${percent(most)}; ` +
        `if it is meant, release it with --allow-removed ${percent(Math.ceil((gone / before) * 100) / 100)}`.replace(/ %$/, '%'),
    );
  };
  removed('removed_vips', 'VIPs', diff.vips);
  removed('removed_real_servers', 'real servers', diff.realServers);
  if (diff.emptied.length > 0 && most < 1)
    refuse(
      'emptied',
      `release ${release.n} leaves ${diff.emptied.slice(0, 5).join(', ')} without a real server with weight; ` +
        `if it is meant, release it with --allow-removed 100%`,
    );
  return found;
}
