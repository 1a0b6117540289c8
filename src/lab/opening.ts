/** A unix socket for a port of the namespace it runs in. Started as a program of its own. */
import { tellReady } from './control.ts';
import { forward } from './forward.ts';

if (import.meta.main) {
  const { from, port } = JSON.parse(process.argv[2]!) as { from: string; port: number };
  await forward({ path: from }, { host: '127.0.0.1', port });
  tellReady();
}
