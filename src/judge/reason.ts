/** One English sentence per verdict, from its evidence. */
import type { Evidence, Subject, VerdictCause, VerdictName } from '../model/verdict.ts';

const percent = (x: number | undefined) => `${Math.round((x ?? 0) * 1000) / 10} %`;
const many = (n: number | undefined, word: string) => `${n ?? 0} ${word}${n === 1 ? '' : 's'}`;

/** `cells` that fail through a NIC although the real servers are known to live. */
function dead(e: Evidence, nic: string): string {
  if (e.witnesses === 0) return `hardly any real server answers through ${nic}`;
  return `${e.failing} of ${many(e.witnesses, 'real server')} proven good through other NICs do not answer through ${nic}`;
}

function loss(e: Evidence, nic: string): string {
  const { loss: own, loss_others: others } = e.numbers;
  return `${nic} loses ${percent(own)} of the probes, other NICs ${percent(others)} on the same real servers`;
}

function anchorList(e: Evidence): string {
  return e.anchors.map((a) => a.id).join(', ');
}

function nicFail(e: Evidence, nic: string, cause: VerdictCause): string {
  if (cause === 'carrier') return `${nic} has no carrier or is down`;
  if (cause === 'lossy') return loss(e, nic);
  if (cause === 'link') return `${dead(e, nic)}, nor does its anchor (${anchorList(e)})`;
  if (cause === 'upstream') return `${dead(e, nic)}, although its anchor (${anchorList(e)}) does: the fault lies behind it`;
  return `${dead(e, nic)}; it has no anchor to tell link from upstream`;
}

const RS_CAUSE: Partial<Record<VerdictCause, string>> = {
  refused: 'refuses connections',
  l7: 'answers wrongly',
  unreachable: 'does not answer',
};

/** Says in one sentence why the subject has this verdict. */
export function reasonFor(subject: Subject, verdict: VerdictName, cause: VerdictCause, e: Evidence): string {
  const nic = subject.nic ?? '';
  const rs = subject.rs ?? '';
  const n = e.numbers;
  switch (verdict) {
    case 'NIC_FAIL':
      return `${nicFail(e, nic, cause)}.`;
    case 'NIC_PARTIAL':
      return cause === 'lossy' ? `${loss(e, nic)}.` : `${dead(e, nic)}; the others do.`;
    case 'SUSPECT':
      if (cause === 'not_yet_valid')
        return `${dead(e, nic)}, and it never worked since the start: check routes, filters and source address.`;
      return `${nic} has many bad results; a verdict is forming.`;
    case 'FLAPPING':
      return subject.subject === 'nic'
        ? `${nic} failed again and again; it stays disabled until it is steady.`
        : `${rs} went down again and again; it gets little weight until it is steady.`;
    case 'PROBE_PATH_FAULT':
      return `Probes through ${nic} fail but its data plane carries traffic as usual: the probe path is at fault, nothing is disabled.`;
    case 'DATA_PATH_FAULT':
      return `Probes through ${nic} are good but connections through its data plane are not established.`;
    case 'RS_DOWN':
      return `${rs} ${RS_CAUSE[cause] ?? 'is unusable'}; ${many(n.valid_cells, 'NIC')} can tell, and ${n.good_nics === 0 ? 'none' : n.good_nics} can use it.`;
    case 'PATH':
      return `${rs} is unusable through ${nic} (${cause}) but good through ${many(n.good_nics, 'other NIC')}.`;
    case 'RACK_FAULT':
      return `${n.down} of ${many(n.real_servers, 'real server')} of rack ${subject.rack} went down together.`;
    case 'ALL_RS_DOWN':
      return `Every cell that can be judged fails${n.anchors_good ? ` but ${many(n.anchors_good, 'anchor')} answer${n.anchors_good === 1 ? 's' : ''}` : ''}: a common cause; nothing is changed.`;
    case 'AGENT_ISOLATED':
      return 'Every cell fails and no anchor answers: this agent is cut off; nothing is changed.';
    case 'AGENT_STALLED':
      return `${n.unknown} of ${many(n.cells, 'cell')} have no recent valid result: the agent is blind; nothing is changed.`;
    case 'OK':
      return okReason(subject, e);
  }
}

function okReason(subject: Subject, e: Evidence): string {
  const n = e.numbers;
  switch (subject.subject) {
    case 'nic':
      return `${e.witnesses - e.failing} of ${many(e.witnesses, 'real server')} proven good through other NICs answer through ${subject.nic}.`;
    case 'rs':
      return `${subject.rs} is good through ${n.good_nics} of ${many(n.valid_cells, 'NIC')} that can tell.`;
    case 'path':
      return `The path from ${subject.nic} to ${subject.rs} is not at fault.`;
    case 'rack':
      return `${n.down} of ${many(n.real_servers, 'real server')} of rack ${subject.rack} are down.`;
    case 'agent':
      return `${(n.cells ?? 0) - (n.unknown ?? 0)} of ${many(n.cells, 'cell')} have recent results.`;
  }
}
