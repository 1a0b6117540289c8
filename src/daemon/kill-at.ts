/** Lab only: the process ends as by kill -9 at a moment of a release. */
import type { Moment } from '../cluster/agent/moments.ts';

/**
 * @param wanted `apply@3`: at that moment of release 3; without a number of any; `report@3#2`: the second time; undefined =
 * never
 */
export function killAt(wanted: string | undefined): (moment: Moment, release: number) => void {
  if (wanted === undefined) return () => undefined;
  const [what = '', time = '1'] = wanted.split('#');
  const [at, number] = what.split('@');
  let left = Number(time);
  return (moment, release) => {
    if (moment !== at || (number !== undefined && Number(number) !== release)) return;
    if (--left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
