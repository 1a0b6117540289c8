/**
 * Which services a keepalived.conf speaks of: not a parser of that file, only as much as is needed to keep away from what it
 * manages. What is not certain (variables, ranges, generated blocks) counts as being named.
 */
import { isIP, isIPv6 } from 'node:net';
import { canonicalV6 } from '../../model/schema.ts';

/** What one file contains. */
export interface Mentioned {
  /** `192.0.2.10 80`, `2001:db8::10 80`, `fwmark 7`: whatever the protocol. */
  readonly services: ReadonlySet<string>;
  /** The first line that names services in a way that is not followed here; '' when there is none. */
  readonly unclear: string;
  /** Files it includes, as written. */
  readonly includes: readonly string[];
}

/** Reads one file's text; never throws. */
export function mentionedIn(text: string): Mentioned {
  const services = new Set<string>();
  const includes: string[] = [];
  let unclear = '';
  /** Braces open since a virtual_server_group began; 0: not in one. */
  let depth = 0;
  let inGroup = false;
  for (const line of text.replace(/^\uFEFF/, '').split('\n')) {
    const words = wordsOf(line);
    if (words.length === 0) continue;
    const [first = '', second = ''] = words;
    if (/^include[rmwba]?$/.test(first)) {
      includes.push(second.replaceAll('"', ''));
      continue;
    }
    if (first === 'virtual_server_group') inGroup = true;
    const entry = first === 'virtual_server' ? words.slice(1) : inGroup && first !== 'virtual_server_group' ? words : [];
    const plain = entry.filter((word) => word !== '{' && word !== '}');
    if (plain.length > 0 && plain[0] !== 'group') {
      const name = nameOf(plain[0]!, plain[1]);
      if (name === undefined) unclear ||= line.trim();
      else services.add(name);
    }
    // A definition or generator may hold a whole block.
    if (/virtual_server/.test(line) && !/^virtual_server(?:_group)?$/.test(first)) unclear ||= line.trim();
    if (!inGroup) continue;
    for (const word of words) depth += word === '{' ? 1 : word === '}' ? -1 : 0;
    if (depth <= 0 && words.includes('}')) [inGroup, depth] = [false, 0];
  }
  return { services, unclear, includes };
}

/** Words of a line without its comment, braces apart; a condition (`@id`) before them is taken to hold. */
function wordsOf(line: string): string[] {
  let quoted = false;
  let end = 0;
  for (; end < line.length; end++) {
    const char = line[end];
    if (char === '"') quoted = !quoted;
    else if (!quoted && (char === '!' || char === '#')) break;
  }
  const words = line.slice(0, end).replace(/[{}]/g, ' $& ').trim().split(/\s+/);
  if (words[0]?.startsWith('@')) words.shift();
  return words.filter((word) => word !== '');
}

function nameOf(address: string, port: string | undefined): string | undefined {
  if (address === 'fwmark') return /^\d+$/.test(port ?? '') ? `fwmark ${Number(port)}` : undefined;
  if (isIP(address) === 0) return undefined;
  if (port !== undefined && !/^\d{1,5}$/.test(port)) return undefined;
  return `${isIPv6(address) ? canonicalV6(address) : address} ${Number(port ?? 0)}`;
}
