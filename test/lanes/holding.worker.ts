/**
 * A lane's thread with checks of bad character: `tcp` of 127.0.0.66 never comes back, that of 127.0.0.67 takes 150 ms of CPU,
 * that of 127.0.0.68 throws. The product has no such check.
 */
import { checkKinds } from '../../src/checks/index.ts';
import type { CheckKind, Exchange } from '../../src/checks/kind.ts';

const characters: Readonly<Record<string, () => void>> = {
  '127.0.0.66': () => {
    for (;;);
  },
  '127.0.0.67': () => {
    const until = process.threadCpuUsage().user + 150_000;
    while (process.threadCpuUsage().user < until);
  },
  '127.0.0.68': () => {
    throw new Error('a defective check');
  },
};
const tcp = checkKinds.find(({ name }) => name === 'tcp')! as { -readonly [K in keyof CheckKind]: CheckKind[K] };
const { prepare } = tcp;
tcp.prepare = (profile, address) => {
  const character = characters[address.ip];
  if (!character) return prepare(profile, address);
  const exchange: Exchange = {
    request: () => {
      character();
      return 0;
    },
    feed: () => undefined,
    closed: () => ({ outcome: 3, phase: 5, cause: 7, detail: 0 }),
  };
  return { transport: 'stream', begin: () => exchange };
};
await import('../../src/lanes/lane.worker.ts');
