import { machineActions, type Plan } from '../../model/plan.ts';
import type { Check, Finding } from '../check.ts';
import type { Rights } from '../host.ts';

/** Capabilities by number (linux/capability.h), and the drop-in of docs/systemd that gives them. */
const RIGHTS = {
  ping: { names: ['CAP_NET_RAW'], bits: [13] },
  ipvs: { names: ['CAP_NET_ADMIN'], bits: [12] },
  dataplane: { names: ['CAP_DAC_OVERRIDE'], bits: [1] },
  toa: { names: ['CAP_BPF', 'CAP_NET_ADMIN'], bits: [39, 12] },
  keepalived: { names: ['CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH', 'CAP_KILL'], bits: [19, 2, 5] },
} as const;
type DropIn = keyof typeof RIGHTS;

const UNITS = '/opt/fourlane/docs/systemd';
const RESTART = 'systemctl daemon-reload && systemctl restart fourlane';
const TARGET = '/etc/systemd/system/fourlane.service.d';

/** Whether the configuration, on this machine, needs a drop-in, and for what. */
interface Need {
  readonly dropIn: DropIn;
  readonly what: string;
}

function needsOf(plan: Plan, runs: { readonly keepalived: boolean; readonly dataPlane: boolean }, pings: boolean): Need[] {
  const needs: Need[] = [];
  const pinged = plan.nics.some((nic) => nic.anchors.some(({ type }) => type === 'ping'));
  if (!pings && (pinged || plan.targets.some(({ check }) => check.type === 'ping')))
    needs.push({ dropIn: 'ping', what: 'ping of anchors or real servers' });
  const ipvs = plan.services.some(({ actuator }) => actuator.type === 'ipvs');
  if (ipvs) needs.push({ dropIn: 'ipvs', what: 'actuator ipvs' });
  if (plan.services.some(({ passthrough }) => passthrough?.option !== undefined))
    needs.push({ dropIn: 'toa', what: 'option of passthrough' });
  if (runs.dataPlane) needs.push({ dropIn: 'dataplane', what: 'sockets of DPDK and DPVS' });
  if (runs.keepalived)
    needs.push({ dropIn: 'keepalived', what: ipvs ? 'keepalived beside actuator ipvs, and its dumps' : 'dumps of keepalived' });
  return needs;
}

const has = ({ capabilities }: Rights, bits: readonly number[]) =>
  bits.every((bit) => (capabilities & (1n << BigInt(bit))) !== 0n);

/** Whether a group may open ICMP sockets. */
function inRange(range: string | undefined, groups: readonly number[]): boolean {
  const [low = 1, high = 0] = (range ?? '').trim().split(/\s+/).map(Number);
  return groups.some((group) => group >= low && group <= high);
}

export const rights: Check = {
  name: 'rights',
  roles: ['load-balancer'],
  summary: 'the user has the rights that the configuration needs, and no others',
  async run({ host, config: { plan } }) {
    if (plan === undefined) return [{ outcome: 'skipped', message: 'what it needs is in the configuration' }];
    const own = await host.rights();
    const range = await host.read('/proc/sys/net/ipv4/ping_group_range');
    const runs = {
      keepalived: plan.collectors['keepalived'] !== false && (await host.processes('keepalived')).length > 0,
      dataPlane: (await host.dpdk()).length > 0,
    };
    const needs = needsOf(plan, runs, inRange(range, own.groups));
    const missing = needs.filter(({ dropIn }) => !has(own, RIGHTS[dropIn].bits));
    const findings = missing.map(
      ({ dropIn, what }): Finding => ({
        outcome: 'fail',
        subject: what,
        message: `needs ${RIGHTS[dropIn].names.join(', ')}, which user ${host.user} does not have`,
        fix: `mkdir -p ${TARGET} && cp ${UNITS}/fourlane.service.d/${dropIn}.conf ${TARGET}/ && ${RESTART}`,
      }),
    );
    const commands =
      machineActions(plan).some(({ type }) => type === 'exec') || plan.services.some(({ actuator }) => actuator.type === 'exec');
    if (own.uid === 0) findings.push(...tooMuch(needs, commands));
    if (findings.length > 0) return findings;
    const given = needs.length === 0 ? 'none is needed' : needs.flatMap(({ dropIn }) => RIGHTS[dropIn].names).join(', ');
    return [{ outcome: 'ok', message: `user ${host.user}; capabilities: ${given}` }];
  },
};

function tooMuch(needs: readonly Need[], commands: boolean): Finding[] {
  if (commands) return [{ outcome: 'ok', message: 'root; commands of exec may need it' }];
  const dropIns = needs.map(({ dropIn }) => `${dropIn}.conf`);
  const enough = dropIns.length === 0 ? 'no capability' : `the capabilities of ${dropIns.join(', ')}`;
  return [
    {
      outcome: 'warn',
      message: `as root it may do everything, and needs ${enough}; run the agent, and doctor, as user fourlane`,
      fix: `cp ${UNITS}/fourlane.service /etc/systemd/system/ && ${RESTART}   # see docs/operations.md`,
    },
  ];
}
