/** HTTP servers that never end, or answer what is none. */
import { attackBy } from '../real-servers.ts';

const of = (name: string, before: string, count = 10, short?: true) =>
  attackBy({
    family: 'http',
    name: count === 10 ? name : `${name}, ${count} of them`,
    before,
    servers: 'http',
    check: { type: 'http', contains: 'ready true' },
    count,
    ...(short ? { short } : {}),
  });
const HELD = 'others untouched';

export const http = [
  of('headers without end', HELD),
  of('a header without end', HELD),
  of('chunks without end', HELD),
  of('chunks of one byte', HELD),
  of('body without end', HELD),
  of('1 GB', HELD),
  of('1xx without end', HELD),
  of('a byte every 20 ms', HELD),
  of('gzip bomb', HELD),
  of('NUL and broken UTF-8', HELD),
  of('silent', HELD),
];
