/** Bodies on which a regular expression that searches backwards never ends. */
import { attackBy } from '../real-servers.ts';

const of = (name: string, matches: string, before: string, more: object = {}, short?: true) =>
  attackBy({
    family: 'regex',
    name,
    before,
    servers: 'http',
    check: { type: 'http', matches, ...more },
    ...(short ? { short } : {}),
  });

export const regex = [
  of('statuses', 'status.*ok', 'all lanes end again and again (18 in 60 s), a death is never noticed', {}, true),
  of('statuses, 1 MB', 'status.*ok', 'all lanes end again and again (18 in 60 s), a death is never noticed', {
    maxBody: 1 << 20,
  }),
  of('blanks', '(?:\\s+OK|ready true)', '12 s of all lanes for each probe'),
  of('readies', 'ready.*true', '1.4 s of all lanes for each probe'),
  of('as', '(?:^(?:a+)+$|ready)', 'all lanes hang'),
  of('x and z', 'x.{0,100}y', '–'),
];
