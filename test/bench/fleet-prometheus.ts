/** A Prometheus with the shipped rules that scrapes the targets of the fleet bench. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { percentile } from './calibration.ts';

const PORT = 19_190;
const ALERTS = fileURLToPath(new URL('../../alerts', import.meta.url));

interface Rule {
  readonly name: string;
  readonly health: string;
  readonly evaluationTime: number;
  readonly lastError?: string;
}

interface Group {
  readonly name: string;
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
  readonly rules: readonly Rule[];
}

/** Evaluations of one group of rules, all in ms. */
export interface Evaluations {
  readonly name: string;
  readonly count: number;
  readonly median: number;
  readonly worst: number;
  /** Errors of its rules in any of them. */
  readonly errors: readonly string[];
  /** Its dearest rules by their median. */
  readonly rules: readonly { readonly name: string; readonly ms: number }[];
}

export class Prometheus {
  readonly #dir = mkdtempSync(join(tmpdir(), 'fourlane-fleet-'));
  readonly #child;
  readonly #ended;

  /** Starts it. @param targets host:port of each  @param seconds between two scrapes, and between two evaluations */
  constructor(targets: readonly string[], seconds: number) {
    const rules = ['fourlane-rules.yaml', 'fourlane-alerts.yaml'];
    for (const f of rules) copyFileSync(join(ALERTS, f), join(this.#dir, f));
    const config = {
      global: { scrape_interval: `${seconds}s`, evaluation_interval: `${seconds}s` },
      rule_files: rules,
      scrape_configs: [{ job_name: 'fourlane', static_configs: [{ targets }] }],
    };
    writeFileSync(join(this.#dir, 'prometheus.yml'), stringify(config));
    const storage = [`--config.file=${this.#dir}/prometheus.yml`, `--storage.tsdb.path=${this.#dir}/data`];
    this.#child = spawn('prometheus', [...storage, `--web.listen-address=127.0.0.1:${PORT}`, '--log.level=error'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve));
  }

  /** Asks its API. Throws what it answers when it refuses. @param path after /api/v1/ */
  async ask<T>(path: string): Promise<{ readonly ms: number; readonly data: T }> {
    const started = performance.now();
    const answer = await fetch(`http://127.0.0.1:${PORT}/api/v1/${path}`);
    const body = (await answer.json()) as { status: string; data: T; error?: string };
    if (body.status !== 'success') throw new Error(body.error);
    return { ms: performance.now() - started, data: body.data };
  }

  /** The value of a query with one number as its answer; 0 without one. */
  async number(query: string): Promise<number> {
    const { data } = await this.ask<{ result: { value: [number, string] }[] }>(`query?query=${encodeURIComponent(query)}`);
    return Number(data.result[0]?.value[1] ?? 0);
  }

  /** ms of one plain query over so many series, median of some: what other queries are compared with. */
  async plainQuery(): Promise<number> {
    const times: number[] = [];
    for (let i = 0; i < 9; i++) times.push((await this.ask('query?query=sum(fourlane_real_server_up)')).ms);
    return percentile(times, 0.5);
  }

  /** Watches every evaluation of every group. @param seconds how long */
  async evaluations(seconds: number): Promise<Evaluations[]> {
    const seen = new Map<string, Map<string, Group>>();
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(1000)) {
      const { data } = await this.ask<{ groups: Group[] }>('rules');
      for (const g of data.groups) {
        const each = seen.get(g.name) ?? new Map<string, Group>();
        seen.set(g.name, each.set(g.lastEvaluation, g));
      }
    }
    return [...seen].map(([name, each]) => summary(name, [...each.values()]));
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
    rmSync(this.#dir, { recursive: true });
  }
}

function summary(name: string, groups: readonly Group[]): Evaluations {
  const times = groups.map((g) => g.evaluationTime * 1000);
  const rules = groups[0]!.rules.map((rule, i) => ({
    name: rule.name,
    ms: percentile(
      groups.map((g) => g.rules[i]!.evaluationTime * 1000),
      0.5,
    ),
  }));
  const bad = groups.flatMap((g) => g.rules).filter((rule) => rule.health !== 'ok');
  return {
    name,
    count: groups.length,
    median: percentile(times, 0.5),
    worst: Math.max(...times),
    errors: [...new Set(bad.map((rule) => `${rule.name}: ${rule.lastError || rule.health}`))],
    rules: rules.sort((a, b) => b.ms - a.ms).slice(0, 6),
  };
}
