/** `{"t":1050,"fleet":{"witnesses":16,"servers":["10.1.0.1:8080"],"bad":[2],"unknown":[0]}}`; the lists may be empty. */
import type { FleetFact } from '../../model/facts.ts';
import type { Codec } from './codec.ts';
import type { Line } from './line.ts';

/** More load balancers than exchange evidence. */
const MOST = 65_535;

function counts(values: Line, name: string, length: number): number[] {
  const list = values.list(name);
  if (list.length !== length) values.fail(`${name} has ${list.length} entries; it must have ${length}, one for each of servers`);
  return list.map((_, position) => values.inside({ count: list[position] }).number('count', 0, MOST));
}

export const fleet: Codec<FleetFact> = {
  kind: 'fleet',
  mark: 'fleet',
  write({ realServers }, { t, measuredAt, witnesses, servers, bad, unknown }) {
    const measured = measuredAt === t ? {} : { measured_at: measuredAt };
    return { t, ...measured, fleet: { witnesses, servers: servers.map((server) => realServers[server]!.id), bad, unknown } };
  },
  read(line, { realServers }) {
    line.only(['t', 'measured_at', 'fleet']);
    const values = line.object('fleet');
    values.only(['witnesses', 'servers', 'bad', 'unknown']);
    const t = line.time('t');
    const servers = values.list('servers').map((id) => values.index(realServers, id, 'rs'));
    return {
      kind: 'fleet',
      t,
      measuredAt: line.time('measured_at', t),
      witnesses: values.number('witnesses', 0, MOST),
      servers,
      bad: counts(values, 'bad', servers.length),
      unknown: counts(values, 'unknown', servers.length),
    };
  },
};
