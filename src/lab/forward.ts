/** A tiny TCP and unix-socket forwarder: makes the agent inside its namespace reachable from the machine. */
import { connect, createServer, type ListenOptions, type NetConnectOpts, type Server } from 'node:net';

/** Listens at `from` and carries every connection to `to`; resolves when listening, rejects when it cannot. */
export function forward(from: ListenOptions, to: NetConnectOpts): Promise<Server> {
  const server = createServer((near) => {
    const far = connect(to);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroySoon());
    near.pipe(far);
    far.pipe(near);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(from, () => resolve(server));
  });
}
