/**
 * Clients of load balancers whose data plane does what its agent said last, also when the agent is gone: each request goes to a
 * real server that the agent has in service, over a real connection. What fails is counted, by load balancer and NIC.
 */
import { PATIENCE } from '../system/patience.ts';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { Switchboard, type SwitchboardService } from '../../src/lab/switchboard.ts';
import { listening } from '../system/harness.ts';

/** What a real server answers; without it a request has failed. */
export const ANSWER = 'here\n';
const PATIENCE_MS = 3000 * PATIENCE;
const EVERY_MS = 50;

export interface Failed {
  readonly server: string;
  readonly why: string;
}

export class Clients {
  readonly #boards: ReadonlyMap<string, Switchboard>;
  readonly #services: readonly string[];
  readonly #door: Server;
  readonly #failed: Failed[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #open = 0;

  /** @param asked how many of the services, from the first, are asked for */
  constructor(servers: readonly string[], services: readonly SwitchboardService[], asked: number) {
    this.#boards = new Map(servers.map((server) => [server, new Switchboard(services)]));
    this.#services = services.slice(0, asked).map(({ name }) => name);
    this.#door = createServer((req, res) => {
      const pieces: Buffer[] = [];
      req.on('data', (piece: Buffer) => pieces.push(piece));
      req.on('end', () => {
        try {
          const body = JSON.parse(Buffer.concat(pieces).toString()) as { server?: unknown };
          this.#boards.get(String(body.server))!.apply(body, performance.now());
          res.end();
        } catch (error) {
          this.#failed.push({ server: 'harness', why: (error as Error).message });
          res.writeHead(500).end();
        }
      });
    });
    this.#door.unref();
  }

  /** Begins; @returns where agents POST what they decide */
  async begin(): Promise<string> {
    await listening(this.#door);
    this.#timer = setInterval(() => {
      for (const server of this.#boards.keys()) this.#request(server);
    }, EVERY_MS);
    return `http://127.0.0.1:${(this.#door.address() as { port: number }).port}/`;
  }

  /** Requests and failures since this was asked last. */
  take(): { readonly sent: number; readonly failed: readonly Failed[] } {
    const taken = { sent: this.#sent, failed: this.#failed.splice(0) };
    this.#sent = 0;
    return taken;
  }

  end(): void {
    clearInterval(this.#timer);
    this.#door.close();
    this.#door.closeAllConnections();
  }

  #request(server: string): void {
    // A machine that is busy must not be taken for a fault: no more at once than it answers.
    if (this.#open > 50) return;
    const service = this.#services[Math.floor(Math.random() * this.#services.length)]!;
    const chosen = this.#boards.get(server)!.choose(service);
    this.#sent++;
    if (chosen === undefined) {
      this.#failed.push({ server, why: `${service} has nothing in service` });
      return;
    }
    const { nic, rs } = chosen;
    const [host, port] = rs.split(':');
    this.#open++;
    let answer = '';
    let over = false;
    const end = (why: string) => {
      if (over) return;
      over = true;
      this.#open--;
      clearTimeout(late);
      socket.destroy();
      if (why !== '') this.#failed.push({ server, why: `${service} over ${nic} to ${rs}: ${why}` });
    };
    const socket = connect({ host: host!, port: Number(port) });
    const late = setTimeout(() => end('no answer'), PATIENCE_MS);
    socket.on('data', (piece) => (answer += piece.toString()));
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end(answer === ANSWER ? '' : 'cut'));
  }
}
