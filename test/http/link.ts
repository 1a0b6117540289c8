/** A view as the HTTP door has it: each refresh shows another moment. */
import type { AgentLink } from '../../src/http/agent.ts';
import { Guesses } from '../../src/http/guesses.ts';
import { Listening, tcpPlace } from '../../src/http/listening.ts';
import { type Door, Routes } from '../../src/http/routes.ts';
import { makeServer, type ServerOptions, shutDown } from '../../src/http/server.ts';
import { Registry } from '../../src/metrics/registry.ts';
import type { FamilySource } from '../../src/model/family.ts';
import { JudgeFamilies } from '../../src/report/families.ts';
import type { AgentView } from '../../src/report/view.ts';
import { monotonicMs } from '../../src/sys/clock.ts';

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  readonly guesses: Guesses;
  close(): Promise<void>;
}

/** Serves it on the address of its plan, as what comes by this door. */
export async function serve(agent: AgentLink, options?: ServerOptions, door: Door = 'tcp'): Promise<RunningServer> {
  const { host, port } = agent.view.plan().listen;
  const guesses = new Guesses(monotonicMs, () => undefined);
  const server = makeServer(new Routes(agent, { names: [host], guesses }), door, options);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const listening = new Listening(server, tcpPlace(host, port), { listening: resolve, refused: reject });
  try {
    const chosen = await promise;
    const close = () => {
      listening.stop();
      return shutDown(server);
    };
    return { host, port: chosen, guesses, close };
  } catch (error) {
    listening.stop();
    throw error;
  }
}

/** `sources`: series besides those that follow from the view. */
export function linkTo(view: AgentView, over: Partial<AgentLink> = {}, ...sources: readonly FamilySource[]): AgentLink {
  const metrics = new Registry();
  metrics.add(new JudgeFamilies(view), ...sources);
  let moment = 0;
  const reload = async () => ({ ok: true, message: 'nothing changed' });
  const shadow = async () => undefined;
  const nothing = { shadow, fleet: async () => undefined };
  return { view, metrics, refresh: async () => ++moment, silentMs: () => 0, reload, ...nothing, ...over };
}
