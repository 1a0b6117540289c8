/**
 * dpvs-agent's HTTP API, as far as health needs it: two ways to read a service, one to change its real servers. It answers from
 * two places: `GET /v2/vs/{id}` from what was configured through it (with `Version` and the configured weights), and with
 * `healthcheck=true` from DPVS itself (weights and inhibition of now). Statuses and bodies: DPVS 1.10.2,
 * tools/dpvs-agent/cmd/ipvs.
 */
import { type Answer, exchange, HttpError } from '../../sys/http.ts';
import { type AgentService, parseServices } from './codec.ts';

export interface AgentSpec {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeout: number;
}

/** One real server as it should be; nothing else of it is touched. */
export interface HealthItem {
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
  readonly inhibited: boolean;
  readonly mode?: string;
}

/** Why the agent could not be asked or did not do it. */
export class AgentError extends Error {
  /**
   * `agent`: asking it for other services is of no use now. `unsupported`: nor later, until somebody changes the installation.
   */
  readonly reach: 'service' | 'agent' | 'unsupported';

  constructor(message: string, reach: AgentError['reach'], cause?: unknown) {
    super(message, { cause });
    this.reach = reach;
  }
}

/** Both views of one service. */
export interface View {
  /**
   * As configured through the agent; without a version when it does not know the service and answered with DPVS's state instead.
   */
  readonly cached: AgentService;
  readonly live: AgentService;
}

/** 10 000 real servers are 2.5 MB. */
const MOST_BYTES = 64 << 20;
const NO_SUPPORT =
  'DPVS answers dpvs-agent, but not for services: it is built without CONFIG_DPVS_AGENT=y (config.mk, default n). ' +
  'Rebuild DPVS with it, or use another actuator for this service; then reload fourlane';
const NO_HEALTH =
  "this dpvs-agent has no versioned PUT /v2/vs/{id}/rs/health. Use the agent of DPVS 1.10's tools/dpvs-agent; then reload " +
  'fourlane';

/** `10.0.0.1:80/tcp` → `10.0.0.1-80-tcp`; undefined when the agent has no name for it (a firewall mark). */
export function serviceId(vip: string): string | undefined {
  const parts = /^\[?([^[\]/]+)\]?:(\d+)\/(tcp|udp)$/.exec(vip);
  return parts === null ? undefined : `${parts[1]}-${parts[2]}-${parts[3]}`;
}

export class DpvsAgent {
  readonly #spec: AgentSpec;
  readonly #base: string;
  readonly #socket: { readonly socketPath?: string };

  constructor(spec: AgentSpec) {
    const isSocket = spec.url.startsWith('unix:');
    this.#spec = spec;
    this.#base = isSocket ? 'http://localhost' : spec.url.replace(/\/$/, '');
    this.#socket = isSocket ? { socketPath: spec.url.slice('unix:'.length) } : {};
  }

  /**
   * Reads a service both ways, DPVS last. `unknown`: neither DPVS nor the agent knows it (404); `lost`: the agent has it, DPVS
   * does not.
   * @throws AgentError when it is not known how things are
   */
  async read(id: string, vip: string): Promise<View | 'unknown' | 'lost'> {
    const cached = await this.#service(`/v2/vs/${id}`, vip);
    if (cached === undefined) return 'unknown';
    if (cached.version === undefined) return { cached, live: cached };
    const live = await this.#service(`/v2/vs/${id}?healthcheck=true`, vip);
    return live === undefined ? 'lost' : { cached, live };
  }

  /**
   * Writes weight and inhibition of real servers, on the condition that the service is still at `version`.
   * @returns `conflict`: it is not, and nothing was changed; `gone`: DPVS has lost a real server, and others may have been
   * changed
   * @throws AgentError for every other answer but success
   */
  async write(id: string, version: string, items: readonly HealthItem[]): Promise<'written' | 'conflict' | 'gone'> {
    const path = `/v2/vs/${id}/rs/health?version=${encodeURIComponent(version)}`;
    const { status } = await this.#ask('PUT', path, JSON.stringify({ Items: items }));
    // 270 is in the range of success, but means that nothing was done.
    if (status === 200) return 'written';
    if (status === 270) return 'conflict';
    if (status === 460) return 'gone';
    if (status === 404 || status === 405 || status === 501) throw new AgentError(NO_HEALTH, 'unsupported');
    if (status === 500)
      throw new AgentError('dpvs-agent does not know the service any more (500); it has been restarted', 'service');
    if (status === 461) throw new AgentError('DPVS refused the change (dpvs-agent answered 461); its log says why', 'service');
    throw new AgentError(`dpvs-agent gave an unknown answer (${status}) to PUT ${path}; nothing more was tried`, 'service');
  }

  /**
   * Writes weight and inhibition of IPv6 real servers that are there, which `write` can't: without a condition, and with a new
   * version of the service after it.
   * @throws AgentError for every answer but success
   */
  async edit(id: string, items: readonly HealthItem[]): Promise<void> {
    const path = `/v2/vs/${id}/rs`;
    const { status } = await this.#ask('PUT', path, JSON.stringify({ Items: items }));
    if (status === 200 || status === 201) return;
    if (status === 404 || status === 405 || status === 501) throw new AgentError(NO_HEALTH, 'unsupported');
    throw new AgentError(`dpvs-agent answered ${status} to PUT ${path}; its log says why`, 'service');
  }

  async #service(path: string, vip: string): Promise<AgentService | undefined> {
    let answer: Answer;
    try {
      answer = await this.#ask('GET', path);
    } catch (error) {
      // Without support in DPVS the agent crashes on this request and drops the connection.
      const isDropped = error instanceof AgentError && (error.cause as HttpError).kind === 'dropped';
      if (isDropped && (await this.#isUnsupported())) throw new AgentError(NO_SUPPORT, 'unsupported', error);
      throw error;
    }
    if (answer.status === 404) {
      if (await this.#answersForPorts()) return undefined;
      throw new AgentError('dpvs-agent cannot read DPVS; does it run, and does it answer ipvsadm?', 'agent');
    }
    const found = this.#parse(answer, path).find((s) => s.vip === vip);
    if (found) return found;
    throw new AgentError(`dpvs-agent's answer to GET ${path} does not show ${vip} in full; nothing was changed`, 'service');
  }

  /** Whether DPVS is there and answers, but not for services: nothing can have been configured through the agent then. */
  async #isUnsupported(): Promise<boolean> {
    if (this.#parse(await this.#ask('GET', '/v2/vs'), '/v2/vs').length > 0) return false;
    return (await this.#ask('GET', '/v2/vs?healthcheck=true')).status === 204 && this.#answersForPorts();
  }

  /** Ports can be read in every build. Whatever the name, all are listed. */
  async #answersForPorts(): Promise<boolean> {
    return (await this.#ask('GET', '/v2/device/any/nic')).status === 200;
  }

  #parse({ status, body }: Answer, path: string): AgentService[] {
    if (status !== 200) throw new AgentError(`dpvs-agent answered ${status} to GET ${path}; needs 200`, 'service');
    try {
      return parseServices(body);
    } catch (error) {
      throw new AgentError(`dpvs-agent, GET ${path}: ${(error as Error).message}`, 'service');
    }
  }

  async #ask(method: 'GET' | 'PUT', path: string, body?: string): Promise<Answer> {
    const { headers, timeout } = this.#spec;
    const sent = body === undefined ? { headers } : { headers: { 'content-type': 'application/json', ...headers }, body };
    try {
      return await exchange(this.#base + path, { method, ...sent, ...this.#socket, timeoutMs: timeout, mostBytes: MOST_BYTES });
    } catch (error) {
      throw new AgentError((error as Error).message, (error as HttpError).kind === 'tooLong' ? 'service' : 'agent', error);
    }
  }
}
