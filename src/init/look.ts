/** Asks every source side by side, and puts what they saw together in the order of the list. */
import type { Facts, Look, Machine, Source } from './source.ts';

export interface Looked extends Look {
  readonly source: string;
}

export interface Seen {
  readonly looks: readonly Looked[];
  readonly facts: Facts;
}

/** Never rejects: a source that throws has failed. */
export async function lookAround(sources: readonly Source[], machine: Machine): Promise<Seen> {
  const looks = await Promise.all(
    sources.map(async (source): Promise<Looked> => ({ source: source.name, ...(await lookAt(source, machine)) })),
  );
  const parts = looks.map(({ facts }) => facts ?? {});
  return {
    looks,
    facts: {
      services: parts.flatMap((part) => part.services ?? []),
      leftOut: parts.flatMap((part) => part.leftOut ?? []),
      network: parts.findLast((part) => part.network !== undefined)?.network ?? { links: [], rules: [], routes: [] },
      ports: parts.findLast((part) => part.ports !== undefined)?.ports ?? { readings: [], gateways: [] },
      collectors: Object.assign({}, ...parts.map((part) => part.collectors ?? {})) as Facts['collectors'],
      remarks: parts.flatMap((part) => part.remarks ?? []),
    },
  };
}

async function lookAt(source: Source, machine: Machine): Promise<Look> {
  try {
    return await source.look(machine);
  } catch (error) {
    return { outcome: 'failed', text: (error as Error).message };
  }
}
