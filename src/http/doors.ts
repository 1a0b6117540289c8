/** The doors of the agent: on `listen`, and the control socket. */
import type { Server } from 'node:http';
import type { FourlaneError } from '../model/errors.ts';
import { controlPlace } from './control-socket.ts';
import { Listening, type Place, tcpPlace } from './listening.ts';
import type { Door, Routes } from './routes.ts';
import { makeServer, type ServerOptions, shutDown } from './server.ts';

export interface DoorsOptions extends ServerOptions {
  readonly host: string;
  readonly port: number;
  /** Path of the control socket; undefined: none. */
  readonly control?: string;
  /** It listens there; `port` 0: on the control socket. */
  readonly listening: (door: Door, port: number) => void;
  /** It can't listen there now, and goes on trying. */
  readonly refused: (door: Door, error: FourlaneError) => void;
}

/** Opens them. @returns closes them: lets answers finish for at most a second */
export function openDoors(routes: Routes, options: DoorsOptions): () => Promise<void> {
  const { host, port, control, listening, refused } = options;
  const open: { readonly server: Server; readonly door: Listening }[] = [];
  const add = (name: Door, place: Place) => {
    const server = makeServer(routes, name, options);
    const heard = { listening: (at: number) => listening(name, at), refused: (error: FourlaneError) => refused(name, error) };
    open.push({ server, door: new Listening(server, place, heard) });
  };
  add('tcp', tcpPlace(host, port));
  if (control !== undefined) add('control', controlPlace(control));
  return async () => {
    for (const { door } of open) door.stop();
    await Promise.all(open.filter(({ server }) => server.listening).map(({ server }) => shutDown(server)));
  };
}
