/** One English sentence per verdict, from its evidence. */
import type { Evidence, Subject, VerdictCause, VerdictName } from '../model/verdict.ts';

const percent = (share: number | undefined) => `${Math.round((share ?? 0) * 1000) / 10} %`;
const many = (count: number | undefined, word: string) => `${count ?? 0} ${word}${count === 1 ? '' : 's'}`;

/** `cells` that fail through a NIC although the real servers are known to live. */
function dead(evidence: Evidence, nic: string): string {
  if (evidence.witnesses === 0) return `hardly any real server answers through ${nic}`;
  return (
    `${evidence.failing} of ${many(evidence.witnesses, 'real server')} proven good through other NICs do not answer ` +
    `through ${nic}`
  );
}

function loss(evidence: Evidence, nic: string): string {
  const { loss: own, loss_others: others } = evidence.numbers;
  return `${nic} loses ${percent(own)} of the probes, other NICs ${percent(others)} on the same real servers`;
}

/** What the data plane showed, in brackets; nothing without a fact. */
function dataplane({ numbers: n }: Evidence): string {
  if (n['answered_ratio'] === undefined) return '';
  const others = n['answered_ratio_others'] === undefined ? '' : `, ${percent(n['answered_ratio_others'])} through other NICs`;
  const rate = (way: 'rx' | 'tx') => `${Math.round(n[`${way}_pps`] ?? 0)}/s, usually ${Math.round(n[`${way}_pps_usual`] ?? 0)}`;
  return (
    ` (${percent(n['answered_ratio'])} of new connections can have been answered${others}; packets in ${rate('rx')}; ` +
    `out ${rate('tx')})`
  );
}

function anchorList(evidence: Evidence): string {
  return evidence.anchors.map((anchor) => anchor.id).join(', ');
}

function noCarrier({ links }: Evidence, nic: string): string {
  if (links?.portLink !== 'down') return `${nic} has no carrier or is down`;
  const kernel = links.kernelLink === 'unknown' ? 'of unknown state' : links.kernelLink;
  return `${links.port}, the data-plane port behind ${nic}, has no link; the kernel's interface is ${kernel}`;
}

function nicFail(evidence: Evidence, nic: string, cause: VerdictCause): string {
  if (cause === 'carrier') return noCarrier(evidence, nic);
  if (cause === 'lossy') return loss(evidence, nic);
  if (cause === 'link') return `${dead(evidence, nic)}, nor does its anchor (${anchorList(evidence)})`;
  if (cause === 'upstream')
    return `${dead(evidence, nic)}, although its anchor (${anchorList(evidence)}) does: the fault lies behind it`;
  return `${dead(evidence, nic)}; it has no anchor to tell link from upstream`;
}

const RS_CAUSE: Partial<Record<VerdictCause, string>> = {
  refused: 'refuses connections',
  l7: 'answers wrongly',
  unreachable: 'does not answer',
  local_path: 'is unusable from here only',
};

/** `; reachable from 14 of 16 other load balancers`; nothing without their word. */
function fleetWord({ fleet_reachable: reachable, fleet_witnesses: witnesses }: Evidence['numbers']): string {
  return witnesses === undefined ? '' : `; reachable from ${reachable} of ${many(witnesses, 'other load balancer')}`;
}

/** What the answers of all cells that fail have in common where a PROXY protocol header is missing, or too much. */
function proxyWord({ cells }: Evidence): string {
  const causes = cells.filter(({ outcome }) => outcome === 'l7');
  const all = (holds: (cell: (typeof causes)[number]) => boolean) => causes.length > 0 && causes.every(holds);
  if (all(({ cause }) => cause === 'proxy_header'))
    return '; it answers 400 to the PROXY protocol header of the check: its listener expects none';
  // A status would be there if it had answered anything.
  if (all(({ phase, cause, detail }) => phase === 'response' && cause === 'closed' && detail === 0))
    return '; it closes the connection without an answer, as a listener does that expects a PROXY protocol header';
  return '';
}

/** ` but 2 anchors answer`; nothing when none does. */
function answering(anchors = 0): string {
  return anchors === 0 ? '' : ` but ${many(anchors, 'anchor')} answer${anchors === 1 ? 's' : ''}`;
}

/** What the others find of a rack's real servers that are down here; nothing without their word. */
function rackElsewhere({ fleet_witnesses: witnesses, fleet_unreachable: count }: Evidence['numbers']): string {
  if (witnesses === undefined) return '';
  return `; ${count} of them are unreachable from most of ${many(witnesses, 'other load balancer')} too`;
}

/** Why some NICs cannot tell; nothing when none is in quarantine. */
function quarantined(cells = 0): string {
  return cells === 0 ? '' : `; its checks held the lanes of ${many(cells, 'NIC')} and are in quarantine there`;
}

/** Says in one sentence why the subject has this verdict. */
export function reasonFor(subject: Subject, verdict: VerdictName, cause: VerdictCause, evidence: Evidence): string {
  const nic = subject.nic ?? '';
  const rs = subject.rs ?? '';
  const numbers = evidence.numbers;
  switch (verdict) {
    case 'NIC_FAIL':
      return `${nicFail(evidence, nic, cause)}.`;
    case 'NIC_PARTIAL':
      return cause === 'lossy' ? `${loss(evidence, nic)}.` : `${dead(evidence, nic)}; the others do.`;
    case 'SUSPECT':
      if (cause === 'not_yet_valid')
        return `${dead(evidence, nic)}, and it never worked since the start: check routes, filters and source address.`;
      if (cause === 'bfd')
        return (
          `BFD with the router behind ${nic} is down and a BGP session over it is up: ` +
          `the router may send traffic into nothing.`
        );
      return `${nic} has many bad results; a verdict is forming.`;
    case 'FLAPPING':
      return subject.subject === 'nic'
        ? `${nic} failed again and again; it stays disabled until it is steady.`
        : `${rs} went down again and again; it gets little weight until it is steady.`;
    case 'PROBE_PATH_FAULT':
      return (
        `Probes through ${nic} fail but its data plane carries traffic as usual${dataplane(evidence)}: the probe path is at ` +
        `fault, nothing is disabled.`
      );
    case 'DATA_PATH_FAULT':
      return `Probes through ${nic} are good but connections through its data plane are not established${dataplane(evidence)}.`;
    case 'RS_DOWN':
      if (evidence.cells.length === 0) return `${rs} is down until it has been seen good (alpha in keepalived.conf).`;
      return (
        `${rs} ${RS_CAUSE[cause] ?? 'is unusable'}; ${many(numbers.valid_cells, 'NIC')} can tell, and ` +
        `${numbers.good_nics === 0 ? 'none' : numbers.good_nics} can use it${proxyWord(evidence)}` +
        `${quarantined(numbers.quarantined_cells)}` +
        `${fleetWord(numbers)}.`
      );
    case 'PATH':
      return `${rs} is unusable through ${nic} (${cause}) but good through ${many(numbers.good_nics, 'other NIC')}.`;
    case 'RACK_FAULT':
      return (
        `${numbers.down} of ${many(numbers.real_servers, 'real server')} of rack ${subject.rack} went down together` +
        `${rackElsewhere(numbers)}.`
      );
    case 'ALL_RS_DOWN':
      return `Every cell that can be judged fails${answering(numbers.anchors_good)}: a common cause; nothing is changed.`;
    case 'AGENT_ISOLATED':
      return 'Every cell fails and no anchor answers: this agent is cut off; nothing is changed.';
    case 'AGENT_ILL':
      return (
        `${many(numbers.bad_here, 'real server')} fail here and ${numbers.reachable_elsewhere ?? 0} of them are reachable ` +
        `from most of ${many(numbers.fleet_witnesses, 'other load balancer')}: this server is the ill one; nothing is changed.`
      );
    case 'AGENT_STALLED':
      return stalledReason(numbers);
    case 'OK':
      return okReason(subject, evidence);
  }
}

function stalledReason({ unknown, missed, cells }: Evidence['numbers']): string {
  const of = `of ${many(cells, 'cell')}`;
  if (missed === undefined) return `${unknown} ${of} have no recent valid result: the agent is blind; nothing is changed.`;
  const now = unknown! > 0 ? `, and ${unknown} still have none` : '';
  return `${missed} ${of} were long without a result while the agent stood still${now}; nothing is changed.`;
}

function okReason(subject: Subject, evidence: Evidence): string {
  const numbers = evidence.numbers;
  switch (subject.subject) {
    case 'nic':
      return (
        `${evidence.witnesses - evidence.failing} of ${many(evidence.witnesses, 'real server')} proven good through ` +
        `other NICs answer through ${subject.nic}.`
      );
    case 'rs':
      return (
        `${subject.rs} is good through ${numbers.good_nics} of ${many(numbers.valid_cells, 'NIC')} that can tell` +
        `${quarantined(numbers.quarantined_cells)}.`
      );
    case 'path':
      return `The path from ${subject.nic} to ${subject.rs} is not at fault.`;
    case 'rack':
      return `${numbers.down} of ${many(numbers.real_servers, 'real server')} of rack ${subject.rack} are down.`;
    case 'agent':
      return `${(numbers.cells ?? 0) - (numbers.unknown ?? 0)} of ${many(numbers.cells, 'cell')} have recent results.`;
  }
}
