/** The configuration of this server as releases of the cluster need it: the file with a release, by way of the reloader. */
import type { Configuration, Examined, Wanted } from '../cluster/agent/configuration.ts';
import type { ReleaseRequest } from '../config/messages.ts';
import type { Plan } from '../model/plan.ts';
import type { Reloader } from './reload.ts';

export interface ConfiguringParts {
  readonly reloader: () => Pick<Reloader, 'examine' | 'take' | 'putBack'>;
  readonly plan: () => Pick<Plan, 'cluster' | 'releases'>;
  /** Where releases are. */
  readonly directory: string;
  /** A release may run: its real servers, one a line. */
  readonly examined: (root: string, realServers: string) => void;
}

const NO_PLAN = { added: 0, removed: 0, changed: 0, actions: 0 };
const refused = (refusals: readonly string[], damaged = false): Examined => ({ refusals, plan: NO_PLAN, planHash: '', damaged });

export function configurationOf({ reloader, plan, directory, examined }: ConfiguringParts): Configuration {
  const request = ({ root, running, proven }: Wanted): ReleaseRequest => {
    const { cluster, releases } = plan();
    return { directory, root, admission: { cluster, running, proven, trust: releases?.trust } };
  };
  return {
    async examine(wanted) {
      try {
        const answer = await reloader().examine(request(wanted));
        if ('refused' in answer) {
          const { mistakes, refused: why, code } = answer;
          return refused(mistakes.length > 0 ? mistakes : [why], code === 'STATE_DAMAGED');
        }
        const { needsRestart, release } = answer;
        if (needsRestart.length > 0)
          return refused([`${needsRestart.join(', ')} in the file cannot change while running; restart the agent`]);
        const { counts, planHash, realServers } = release!;
        examined(wanted.root, realServers);
        return { refusals: [], plan: counts, planHash, damaged: false };
      } catch (error) {
        return refused([(error as Error).message]);
      }
    },
    async apply(wanted) {
      const { ok, message, errors = [] } = await reloader().take(request(wanted));
      return ok ? '' : [message, ...errors].join('; ');
    },
    async putBack() {
      return reloader()
        .putBack()
        .then(
          () => '',
          (error: unknown) => (error as Error).message,
        );
    },
  };
}
