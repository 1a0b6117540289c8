/** Plans, decisions and actuators to try `act/` with. */
import { type Actuator, actuator, type Call, type Effect, type Performed } from '../../src/act/actuator.ts';
import { Reconciler } from '../../src/act/reconciler.ts';
import type { ActionReport } from '../../src/act/report.ts';
import { loadPlan } from '../../src/config/load.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { Verdict, Wanted } from '../../src/model/verdict.ts';
import * as z from 'zod';

export const planOf = (yaml: string): Plan => loadPlan(yaml, 'f', { hostname: 'lb-01' });

/** Two NICs with an exec each, one service on both with three real servers. */
export const PLAN = planOf(`cluster: edge-1
nics:
  - {name: eth2, onFail: [{exec: {command: [/nic, eth2]}}]}
  - {name: eth3, onFail: [{exec: {command: [/nic, eth3]}}]}
services:
  - name: web
    vip: 10.0.0.1:80/tcp
    realServers: [10.1.0.1:80, {address: 10.1.0.2:80, weight: 50}, {address: 10.1.0.3:80, weight: 1, rack: r7}]
    actuator: {exec: {command: [/web]}}
  - {name: seen, vip: '10.0.0.2:80/tcp', realServers: [10.1.0.1:80]}
`);

export type Mutable = {
  nicEnabled: Uint8Array;
  weight: Float32Array[];
  path: Uint8Array[];
  dynamic: { by: Uint8Array; value: Int32Array };
};

/** Everything enabled; `change` makes it otherwise. */
export function wantedOf(plan: Plan, change: (w: Mutable) => void = () => undefined): Wanted {
  const w = {
    nicEnabled: new Uint8Array(plan.nics.length).fill(1),
    weight: plan.services.map((s) => new Float32Array(s.realServers.length).fill(1)),
    path: plan.services.map((s) => new Uint8Array(s.realServers.length * s.nics.length).fill(1)),
    panic: new Uint8Array(plan.services.length),
    dynamic: { by: new Uint8Array(plan.targets.length), value: new Int32Array(plan.targets.length) },
    frozen: '' as const,
  };
  change(w);
  return w;
}

export function verdictOf(part: Partial<Verdict>): Verdict {
  const evidence = { rule: 'R3', witnesses: 3, failing: 3, anchors: [], cells: [], numbers: {} };
  return { subject: 'nic', verdict: 'NIC_FAIL', cause: 'link', since: 0, reason: 'because', evidence, ...part };
}

/** An effect for trying a single actuator. */
export function effectOf(part: Partial<Effect> & Pick<Effect, 'spec'>): Effect {
  const why = { verdict: 'NIC_FAIL', cause: 'link', reason: 'all real servers time out' } as const;
  return { key: 'k', kind: 'nic', cluster: 'edge-1', server: 'lb-01', nic: 'eth2', state: 'failed', ...why, ...part };
}

/** A real server that is taken out, as an effect of an actuator of services. */
export function takenOut(spec: Effect['spec']): Effect {
  return effectOf({
    spec,
    kind: 'realServer',
    service: 'web',
    vip: '10.0.0.1:80/tcp',
    realServer: '10.1.0.1:80',
    state: 'disabled',
    weight: 0,
  });
}

export const UNTOUCHED = { kind: 'untouched' } as const;
export const UNKNOWN = { kind: 'unknown' } as const;
export const noted = (text: string) => ({ kind: 'noted', text }) as const;

/** A call that waits for the test to end it. */
export interface Held {
  readonly effects: readonly Effect[];
  readonly call: Call;
  end(result: Performed | Error): Promise<void>;
}

/** A reconciler over recording actuators named like the real ones, on a clock the test turns. */
export class Stage {
  now = 0;
  readonly held: Held[] = [];
  readonly reports: ActionReport[] = [];
  readonly reconciler: Reconciler;

  constructor({ idempotent = false, batch = false, concurrency = 16, recheck = 0 } = {}) {
    const recording: Actuator[] = ['none', 'exec', 'trackFile', 'webhook'].map((name) =>
      actuator({
        name,
        summary: '',
        schema: z.strictObject({}),
        scopes: ['nic', 'service'],
        idempotent,
        batch,
        concurrency,
        identity: (spec) => JSON.stringify(spec),
        ...(recheck === 0 ? {} : { recheck: () => recheck, collector: 'dpvs' }),
        perform: (_, effects, call) =>
          new Promise((resolve, reject) => {
            const end = async (result: Performed | Error) => {
              this.held.splice(this.held.indexOf(held), 1);
              if (result instanceof Error) reject(result);
              else resolve(result);
              for (let i = 0; i < 5; i++) await Promise.resolve(); // let the reconciler see it
            };
            const held: Held = { effects, call, end };
            this.held.push(held);
          }),
      }),
    );
    this.reconciler = new Reconciler({
      actuators: recording,
      clock: () => this.now,
      random: () => 0.5,
      onAction: (report) => this.reports.push(report),
    });
  }

  /** Subjects and states of the calls under way. */
  get calls(): string[] {
    return this.held.flatMap(({ effects }) => effects.map(nameOf));
  }

  async endAll(result: Performed | Error = 'done'): Promise<void> {
    while (this.held.length > 0) await this.held[0]!.end(result);
  }
}

export function nameOf(e: Effect): string {
  return [e.kind, e.service, e.nic, e.realServer, e.state, e.weight].filter((part) => part !== undefined).join(' ');
}

/** A change for `wantedOf`: these NICs are disabled. */
export const down =
  (...nics: number[]) =>
  (w: Mutable) => {
    for (const i of nics) w.nicEnabled[i] = 0;
  };
/** Two NICs with one action each, no services. */
export const SMALL = planOf(`nics:
  - {name: eth2, onFail: [{exec: {command: [/nic, eth2]}}]}
  - {name: eth3, onFail: [{exec: {command: [/nic, eth3]}}]}
`);

/** A stage after its first pass, in which nothing was wrong. */
export function begin(options = {}, plan = SMALL): Stage {
  const stage = new Stage(options);
  stage.reconciler.setPlan(plan);
  stage.reconciler.pass(wantedOf(plan), []);
  return stage;
}
