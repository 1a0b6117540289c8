/** Rules about whether fourlane can read and steer the daemons. */
import type { BgpRule } from './rule.ts';

export const ACCESS: readonly BgpRule[] = [
  {
    code: 'BGP07',
    name: 'socket-denied',
    level: 'fail',
    title: "a routing daemon's socket is there, and fourlane may not use it",
    fix: 'usermod -aG frrvty fourlane   # of BIRD: the group that owns the socket; then systemctl restart fourlane',
    find: ({ unread }) => unread.filter(({ denied }) => denied).map(({ path, problem }) => ({ subject: path, message: problem })),
  },
];
