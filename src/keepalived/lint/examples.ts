/** Configurations for the examples of rules: right ones, with what a rule changes. */

type Changes = Readonly<Record<string, string | undefined>>;

function lines(fields: Changes, indent: string): string {
  return Object.entries(fields)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([keyword, value]) => `${indent}${keyword}${value === '' ? '' : ` ${value}`}\n`)
    .join('');
}

/** Lines of a block, each indented as its braces say. */
export function indented(block: readonly string[], depth = 1): string {
  let level = depth;
  return block
    .map((line) => {
      if (line.startsWith('}')) level--;
      const text = `${'  '.repeat(level)}${line}\n`;
      if (line.endsWith('{')) level++;
      return text;
    })
    .join('');
}

export interface InstanceChanges {
  readonly name?: string;
  /** Keywords with other values; undefined leaves one out. */
  readonly set?: Changes;
  readonly vips?: readonly string[];
  /** Lines before the addresses. */
  readonly more?: readonly string[];
}

/** A VRRP instance. */
export function instance({ name = 'VI_1', set = {}, vips = ['192.0.2.1/24'], more = [] }: InstanceChanges = {}): string {
  const fields = { state: 'BACKUP', interface: 'eth0', virtual_router_id: '51', priority: '100', advert_int: '1', ...set };
  const addresses = vips.length === 0 ? [] : ['virtual_ipaddress {', ...vips, '}'];
  return `vrrp_instance ${name} {\n${lines(fields, '  ')}${indented([...more, ...addresses])}}\n`;
}

export interface ServiceChanges {
  readonly key?: string;
  readonly set?: Changes;
  readonly more?: readonly string[];
  readonly servers?: readonly string[];
}

/** A checker of TCP. */
export const TCP = ['TCP_CHECK {', 'connect_timeout 3', '}'];

/** A real server, as lines. */
export function server(address = '10.0.0.1 80', checker: readonly string[] = TCP): string[] {
  return [`real_server ${address} {`, 'weight 1', ...checker, '}'];
}

/** A virtual server with its real servers. */
export function service({ key = '192.0.2.10 80', set = {}, more = [], servers = server() }: ServiceChanges = {}): string {
  const fields = { delay_loop: '6', lb_algo: 'rr', lb_kind: 'DR', protocol: 'TCP', ...set };
  return `virtual_server ${key} {\n${lines(fields, '  ')}${indented([...more, ...servers])}}\n`;
}

/** A script, with what scripts need. */
export function script(more: readonly string[] = [], command = '/usr/local/bin/check'): string {
  const head = 'global_defs {\n  enable_script_security\n  script_user nobody\n}\n';
  return `${head}vrrp_script chk {\n  script "${command}"\n  interval 2\n${indented(more)}}\n`;
}

/** Lines of an instance that tracks the script. */
export const TRACKING = ['track_script {', 'chk', '}'];
