/** Scripts of `exec` checks that do not end, print or fork. */
import { attackBy } from '../real-servers.ts';

const of = (name: string, script: string) =>
  attackBy({ family: 'exec', name, before: '–', servers: 'exec', check: script, count: 5 });

export const exec = [
  of('ignores SIGTERM', "trap '' TERM; while :; do sleep 1; done"),
  of('prints without end', 'exec nice -n 19 cat /dev/zero'),
  of('forks', 'for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; wait'),
];
