/** Kernel LVS in memory, with what the actuator ipvsTable asks of it, and one that dies in the middle. */
import type { Actuator, Effect, Outcome } from '../../src/act/actuator.ts';
import { IpvsUnavailable } from '../../src/act/ipvs/client.ts';
import { serverText, serviceText } from '../../src/act/ipvs/entries.ts';
import { type Step, stepText } from '../../src/act/ipvs/steps.ts';
import { makeIpvsTable } from '../../src/act/ipvs-table.ts';
import { NetlinkError } from '../../src/sys/netlink-socket.ts';
import { UNTOUCHED } from './world.ts';

const EEXIST = 17;

interface Entry {
  text: string;
  readonly servers: Map<string, { text: string; weight: number }>;
}

export class Kernel {
  readonly ledger: string;
  readonly #services = new Map<string, Entry>();
  readonly actuator: Actuator;
  owner: string | undefined;
  /** As many steps are carried out, and then nothing answers any more. */
  dieAfter = Infinity;
  before: (step: Step) => void = () => undefined;
  #steps = 0;

  constructor(ledger: string) {
    this.ledger = ledger;
    const kernel = {
      services: () =>
        Promise.resolve(new Map([...this.#services].map(([vip, { text }]) => [vip, { vip, family: 4 as const, text }]))),
      serversOf: (vip: string) => Promise.resolve(new Map(this.#services.get(vip)?.servers)),
      step: (vip: string, _: 4 | 6, step: Step) => this.#step(vip, step),
      close: () => undefined,
    };
    const owner = () => Promise.resolve(this.owner);
    this.actuator = makeIpvsTable({ open: () => Promise.resolve(kernel), owner, clock: () => 0 });
  }

  #step(vip: string, step: Step): Promise<void> {
    if (this.#steps++ >= this.dieAfter) return Promise.reject(new Error('killed'));
    this.before(step);
    const refused = () => {
      const error = new NetlinkError(EEXIST);
      return Promise.reject(new IpvsUnavailable(`IPVS refuses the ${stepText(step)}: ${error.message}`, { cause: error }));
    };
    const service = this.#services.get(vip);
    switch (step.do) {
      case 'addService':
        if (service !== undefined) return refused();
        this.#services.set(vip, { text: serviceText(step.lvs), servers: new Map() });
        break;
      case 'setService':
        service!.text = serviceText(step.lvs);
        break;
      case 'deleteService':
        this.#services.delete(vip);
        break;
      case 'addServer':
      case 'setServer':
        if (step.do === 'addServer' && service!.servers.has(step.name)) return refused();
        service!.servers.set(step.name, { text: serverText(step.server), weight: step.weight });
        break;
      case 'deleteServer':
        service?.servers.delete(step.name);
    }
    return Promise.resolve();
  }

  /** One call of the actuator for one effect. */
  async call(effect: Effect): Promise<Outcome> {
    this.#steps = 0;
    const given = { ...effect, spec: { ...effect.spec, ledger: this.ledger } };
    const outcomes = await this.actuator.perform(given.spec, [given], { announce: false, notes: [UNTOUCHED] });
    return (outcomes as readonly Outcome[])[0]!;
  }

  put(vip: string, text: string, servers: Readonly<Record<string, readonly [text: string, weight: number]>>): void {
    const entries = Object.entries(servers).map(([name, [way, weight]]) => [name, { text: way, weight }] as const);
    this.#services.set(vip, { text, servers: new Map(entries) });
  }

  change(vip: string, text: string): void {
    this.#services.get(vip)!.text = text;
  }

  remove(vip: string, server?: string): void {
    if (server === undefined) this.#services.delete(vip);
    else this.#services.get(vip)!.servers.delete(server);
  }

  setWeight(vip: string, server: string, weight: number): void {
    this.#services.get(vip)!.servers.get(server)!.weight = weight;
  }

  /** In the words of `ipvsadm -S`, sorted. */
  printed(): string[] {
    return [...this.#services].flatMap(([vip, { text, servers }]) => [
      `${vip} ${text}`,
      ...[...servers].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, s]) => `${vip} -r ${name} ${s.text} -w ${s.weight}`),
    ]);
  }
}
