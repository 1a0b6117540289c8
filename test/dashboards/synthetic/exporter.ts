/**
 * Serves the synthetic servers as Prometheus scrapes them, one port each. Started as a program of its own, in the lab's load
 * balancer.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { SYNTHETIC, SyntheticServer } from './server.ts';

export interface ExporterOptions {
  /** Port of the first synthetic server on 127.0.0.1; the others follow. */
  readonly port: number;
}

if (import.meta.main) {
  const { port } = JSON.parse(process.argv[2]!) as ExporterOptions;
  for (const [k, name] of SYNTHETIC.entries()) {
    const synthetic = new SyntheticServer(name);
    const server = createServer((_, res) => res.setHeader('content-type', 'text/plain; version=0.0.4').end(synthetic.scrape()));
    await once(server.listen(port + k, '127.0.0.1'), 'listening');
  }
  console.log('ready');
}
