/** Services taken over from a keepalived.conf: read with all it includes, translated, each piece checked as if it were ours. */
import { readFileSync } from 'node:fs';
import { readConfig } from '../keepalived/config/config.ts';
import { placeOf, type Problem, type Span } from '../keepalived/read/source.ts';
import type { Paced } from '../keepalived/translate/pace.ts';
import { translate, type TranslatedService } from '../keepalived/translate/services.ts';
import { FourlaneError } from '../model/errors.ts';
import type { CheckProfile, Hooks, Imports, LvsServer, LvsService, ServiceNotify } from '../model/plan.ts';
import { realServerAddress, vip } from './fields.ts';
import { ImportFiles } from './import-files.ts';
import { ConfigError } from './problem.ts';
import { actuatorSpec, checkProfile } from './profiles.ts';
import type { Config, KeepalivedImport, ServiceConfig } from './schema.ts';

export interface Imported {
  readonly services: readonly ServiceConfig[];
  /** Scripts to run, by VIP. */
  readonly notify: ReadonlyMap<string, ServiceNotify>;
  /** Entries of kernel LVS to make, by VIP. */
  readonly lvs: ReadonlyMap<string, LvsService>;
  readonly imports: Imports;
}

/** With such a mistake keepalived itself reads something else than what is meant: the edit is not finished. */
const BROKEN: ReadonlySet<Problem['code']> = new Set([
  'definition-loop',
  'extra-brace',
  'include-loop',
  'missing-brace',
  'missing-open-brace',
  'too-large',
  'unexpected-brace',
  'unterminated-quote',
]);
const MOST_LEFT = 10_000;
const WITHOUT_CHECK: CheckProfile = checkProfile.parse({ type: 'tcp' });

/**
 * Reads and translates.
 * @param own what fourlane.yaml has itself: it goes before what is imported
 * @param files knows afterwards what was read, also when this throws
 * @throws FourlaneError CONFIG_UNREADABLE; ConfigError for a file with open braces or quotes
 */
export function importKeepalived(spec: KeepalivedImport, own: Pick<Config, 'services'>, files: ImportFiles): Imported {
  let text: string;
  try {
    text = files.root(spec.file);
  } catch (error) {
    const { message } = error as Error;
    throw new FourlaneError('CONFIG_UNREADABLE', `cannot import ${spec.file}: ${message}`, { cause: error });
  }
  const { configId } = spec;
  const config = readConfig(spec.file, text, { files: files.included, ...(configId === undefined ? {} : { configId }) });
  const { problems } = config.tree;
  const broken = problems.filter(({ code }) => BROKEN.has(code));
  if (broken.length > 0)
    throw new ConfigError(
      spec.file,
      broken.map(({ at, message }) => ({ line: at.line, column: at.column, path: '', message: inFile(at, spec.file, message) })),
    );
  const { mode, semantics, bfd } = spec;
  const options = { manage: mode === 'manage', semantics, defaultUser: defaultScriptUser(), bfd };
  const translated = translate(config, spec.timing ?? {}, options);
  const left = translated.left.map(({ at, message }) => `${placeOf(at)}: ${message}`);
  const note = (at: Span, message: string) => void left.push(`${placeOf(at)}: ${message}`);
  const mistakes = problems.length === 1 ? '1 mistake' : `${problems.length} mistakes`;
  if (problems.length > 0)
    left.push(`${spec.file}: ${mistakes}, which keepalived passes over: fourlane lint ${spec.file} names them`);

  const checks = new Map<string, CheckProfile>();
  for (const [name, { value, at, paced }] of translated.checks) {
    const { data, error } = checkProfile.safeParse(value);
    if (data === undefined)
      note(at, `${name}: ${error!.issues[0]!.path.join('.')} ${error!.issues[0]!.message}; checked by tcp instead`);
    checks.set(name, withPace(data, paced));
  }
  const taken = new Set(own.services.flatMap(({ name, vip: address }) => [address, name ?? address]));
  const notify = new Map<string, ServiceNotify>();
  const lvs = new Map<string, LvsService>();
  const services = translated.services.flatMap((service) => {
    if (!taken.has(service.vip)) return serviceOf(service, { spec, checks, notify, lvs, note }) ?? [];
    note(service.at, `virtual server ${service.vip}: fourlane.yaml has a service of this name or VIP, which holds`);
    return [];
  });
  const imports = {
    file: spec.file,
    mode: spec.mode,
    services: services.length,
    left: left.slice(0, MOST_LEFT),
    ...(spec.fifo === undefined ? {} : { fifo: spec.fifo }),
  };
  return { services, notify, lvs, imports };
}

/** Whom keepalived, which is root, runs scripts as without a script_user. */
const SCRIPT_USER = 'keepalived_script';
const ACCOUNTS = '/etc/passwd';

/** undefined: this machine has no such user, or the agent could not become him. */
function defaultScriptUser(): string | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  try {
    return readFileSync(ACCOUNTS, 'utf8').includes(`\n${SCRIPT_USER}:`) ? SCRIPT_USER : undefined;
  } catch {
    return undefined;
  }
}

/** A check with keepalived's own times, where these are wanted; undefined: the one in place of one that can't be. */
function withPace(check: CheckProfile | undefined, paced: Paced | undefined): CheckProfile {
  if (paced === undefined) return check ?? WITHOUT_CHECK;
  if (check !== undefined) return { ...check, ...paced };
  return { ...WITHOUT_CHECK, ...paced, checker: { ...paced.checker, kind: 'tcp', urls: 1 } };
}

/** A problem of an included file names that file. */
const inFile = ({ source, line, column }: Span, root: string, message: string) =>
  source.path === root ? message : `${source.path}:${line}:${column}: ${message}`;

const SHADOW = actuatorSpec('service').parse('shadow');
const MANAGE = {
  leave: actuatorSpec('service').parse('ipvs'),
  overwrite: actuatorSpec('service').parse({ ipvs: { keepalived: 'overwrite' } }),
};

interface Given {
  readonly spec: KeepalivedImport;
  readonly checks: ReadonlyMap<string, CheckProfile>;
  /** What scripts there are is put in here. */
  readonly notify: Map<string, ServiceNotify>;
  readonly lvs: Map<string, LvsService>;
  readonly note: (at: Span, message: string) => void;
}

function serviceOf(
  { at, vip: text, realServers, hooks, quorum, hysteresis, omega, lvs: service }: TranslatedService,
  { spec: { mode, semantics, nics, panic, existing, running }, checks, notify, lvs, note }: Given,
): ServiceConfig | undefined {
  const named = vip.safeParse(text);
  if (!named.success) {
    note(at, `virtual server ${named.error.issues[0]!.message}`);
    return undefined;
  }
  const seen = new Set<string>();
  const scripts: (Hooks | undefined)[] = [];
  const entries: LvsServer[] = [];
  const servers = realServers.flatMap(({ at: place, value, hooks: own, lvs: entry }): ServiceConfig['realServers'] => {
    const address = realServerAddress.safeParse(value.address);
    if (!address.success) note(place, `real server ${address.error.issues[0]!.message}`);
    else if (seen.has(value.address)) note(place, `real server ${value.address} stands there twice: the first one counts`);
    else {
      seen.add(value.address);
      scripts.push(own);
      entries.push(entry);
      return [
        { address: address.data, weight: value.weight, rack: undefined, checks: value.checks.map((name) => checks.get(name)!) },
      ];
    }
    return [];
  });
  if (servers.length === 0) return undefined;
  const hasSorry = mode === 'manage' && service.sorry !== undefined;
  if (hasSorry || hooks !== undefined || scripts.some((own) => own !== undefined))
    notify.set(named.data, {
      quorum,
      hysteresis,
      // What the least share keeps in service does not answer: it must not keep the sorry server out.
      ...(semantics === 'keepalived' || hasSorry ? { counts: 'alive' } : {}),
      ...(omega ? { omega } : {}),
      ...(hooks === undefined ? {} : { service: hooks }),
      realServers: scripts,
    });
  if (mode === 'manage') lvs.set(named.data, { ...service, servers: entries, existing });
  const rest = { name: undefined, check: undefined, checks: undefined, combine: undefined };
  return { ...rest, vip: named.data, nics, panic, realServers: servers, actuator: mode === 'manage' ? MANAGE[running] : SHADOW };
}
