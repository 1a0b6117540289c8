/**
 * The real servers of one rack, in one process: HTTP (`/`, `/health`), TCP echo and UDP echo on each server's addresses.
 * Argument: JSON {control, servers: [{name, ips}], ports}. Control: POST /set {rs, refuse?, health?}.
 */
import { createSocket, type Socket as Udp } from 'node:dgram';
import { createServer as createHttp, type Server as Http } from 'node:http';
import { createServer as createTcp, type Server as Tcp } from 'node:net';
import { serveControl, tellReady } from './control.ts';
import { watchPauses } from './pauses.ts';

interface Options {
  readonly control: string;
  readonly servers: readonly { readonly name: string; readonly ips: readonly string[] }[];
  readonly ports: { readonly http: number; readonly tcp: number; readonly udp: number };
}

/** What a test may change on a real server; what is left out stays. */
export interface RealServerSetting {
  readonly rs: string;
  /** true: nothing listens any more, connections are refused. */
  readonly refuse?: boolean;
  /** Status of `/health`. */
  readonly health?: number;
}

class RealServer {
  readonly name: string;
  readonly #ips: readonly string[];
  readonly #ports: Options['ports'];
  #open: { http: Http[]; tcp: Tcp[]; udp: Udp[] } = { http: [], tcp: [], udp: [] };
  health = 200;

  constructor(name: string, ips: readonly string[], ports: Options['ports']) {
    this.name = name;
    this.#ips = ips;
    this.#ports = ports;
  }

  async listen(): Promise<void> {
    if (this.#open.http.length > 0) return;
    await Promise.all(
      this.#ips.flatMap((ip) => {
        const http = createHttp((req, res) => {
          const status = req.url === '/health' ? this.health : 200;
          res.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${this.name}\n`);
        });
        const tcp = createTcp((socket) => socket.on('error', () => socket.destroy()).pipe(socket));
        const udp = createSocket(ip.includes(':') ? 'udp6' : 'udp4');
        udp.on('message', (message, from) => udp.send(message, from.port, from.address));
        this.#open.http.push(http);
        this.#open.tcp.push(tcp);
        this.#open.udp.push(udp);
        return [
          new Promise<void>((resolve) => http.listen(this.#ports.http, ip, 4096, resolve)),
          new Promise<void>((resolve) => tcp.listen(this.#ports.tcp, ip, 4096, resolve)),
          new Promise<void>((resolve) => udp.bind(this.#ports.udp, ip, resolve)),
        ];
      }),
    );
  }

  refuse(): void {
    for (const http of this.#open.http) http.close().closeAllConnections();
    for (const server of [...this.#open.tcp, ...this.#open.udp]) server.close();
    this.#open = { http: [], tcp: [], udp: [] };
  }
}

const options = JSON.parse(process.argv[2]!) as Options;
const servers = new Map(options.servers.map((socket) => [socket.name, new RealServer(socket.name, socket.ips, options.ports)]));
await Promise.all([...servers.values()].map((socket) => socket.listen()));
await serveControl(options.control, {
  '/pauses': watchPauses(),
  '/set': async (_query, body) => {
    const setting = body as RealServerSetting;
    const server = servers.get(setting.rs);
    if (server === undefined) throw new Error(`no real server ${setting.rs}`);
    if (setting.health !== undefined) server.health = setting.health;
    if (setting.refuse === true) server.refuse();
    if (setting.refuse === false) await server.listen();
    return { ok: true };
  },
});
tellReady();
