/** Unix sockets for ports that are reached from the namespace it runs in. Started as a program of its own. */
import { tellReady } from './control.ts';
import { forward } from './forward.ts';

export interface Opening {
  /** Path of the socket. */
  readonly from: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly port: number;
}

if (import.meta.main) {
  const openings = JSON.parse(process.argv[2]!) as readonly Opening[];
  for (const { from, host = '127.0.0.1', port } of openings) await forward({ path: from }, { host, port });
  tellReady();
}
