/** Families of the keepalived collector. The label is vrrp_instance, since Prometheus gives each target a label instance. */
import { counter, gauge, type Metric } from '../../model/family.ts';
import type { Statistics } from '../../keepalived/state/dump.ts';

const BY_INSTANCE = ['vrrp_instance'];
const BY_GROUP = ['sync_group'];

export const PROCESSES = gauge(
  'keepalived_processes',
  'Processes of keepalived: the parent and its children; 0 = it does not run.',
);
export const PROCESS_UP = gauge('keepalived_process_up', 'Whether the process that the pid file names runs.', ['process']);
export const PID_FILE = gauge('keepalived_pid_file_present', 'Whether there is a pid file for this process.', ['process']);
export const STARTED = gauge('keepalived_process_start_timestamp_seconds', 'When the process started.', ['process']);
export const RESTARTS = counter('keepalived_process_restarts_total', 'Times another process took the place of one seen before.', [
  'process',
]);
export const LOADED = gauge(
  'keepalived_config_load_timestamp_seconds',
  'When keepalived last loaded its configuration: its start or last reload.',
);
export const RELOADS = counter('keepalived_reloads_total', 'Times a running keepalived loaded its configuration anew.');
export const DUMP_SUCCESS = gauge('keepalived_dump_success', 'Whether the last dump asked for came, whole and in time.');
export const DUMP_AGE = gauge('keepalived_dump_age_seconds', 'Age of the dump that the values come from.');
export const DUMP_DURATION = gauge('keepalived_dump_duration_seconds', 'From asking for a dump to having read it whole.');
export const DUMP_RETRIES = counter('keepalived_dump_retries_total', 'Reads of a dump that keepalived was still writing.', [
  'found',
]);
export const FIFO_CONNECTED = gauge(
  'keepalived_fifo_connected',
  'Whether the FIFO is read here and the VRRP process has it open.',
);
export const FIFO_LINES = counter('keepalived_fifo_lines_total', 'Lines read from the FIFO; repeated: a state that was known.', [
  'kind',
]);
export const FIFO_MISSED = counter(
  'keepalived_fifo_missed_transitions_total',
  'Transitions that only a dump told: the FIFO was full, not connected, or there is none.',
);

export const INFO = gauge(
  'vrrp_instance_info',
  'Settings of the instance; always 1. sync_group is empty for an instance in none.',
  ['vrrp_instance', 'interface', 'vrid', 'version', 'sync_group'],
);
export const STATE = gauge('vrrp_state', 'State of the VRRP instance: 1 for the present one; stop: keepalived has ended.', [
  'vrrp_instance',
  'state',
]);
export const TRANSITIONS = counter('vrrp_transitions_total', 'Times the instance entered a state, since the agent watches it.', [
  'vrrp_instance',
  'to',
]);
export const LAST_TRANSITION = gauge(
  'vrrp_last_transition_timestamp_seconds',
  'When the instance last changed its state.',
  BY_INSTANCE,
);
export const PRIORITY = gauge(
  'vrrp_priority',
  'Priority: base: as configured; effective: with what tracks add; master: of the last master heard, left out before the first.',
  ['vrrp_instance', 'kind'],
);
export const ADDRESSES = gauge('vrrp_addresses', 'Virtual addresses of the instance: configured, and those of them installed.', [
  'vrrp_instance',
  'state',
]);
export const ADVERT_INTERVAL = gauge('vrrp_advert_interval_seconds', 'Time between two adverts, as configured.', BY_INSTANCE);
export const FAULTS = gauge(
  'vrrp_faults',
  'Interfaces and track scripts that hold the instance in FAULT, errors of its configuration too.',
  BY_INSTANCE,
);
export const ADVERTS = counter('vrrp_adverts_total', 'Adverts received and sent.', ['vrrp_instance', 'direction']);
export const PRIORITY_ZERO = counter(
  'vrrp_zero_priority_adverts_total',
  'Adverts of priority 0 received and sent: a master stepping down.',
  ['vrrp_instance', 'direction'],
);
export const MASTER_CHANGES = counter(
  'vrrp_master_changes_total',
  'Times the instance became master and gave it up, as keepalived counts.',
  ['vrrp_instance', 'change'],
);
export const ERRORS = counter('vrrp_advert_errors_total', 'Adverts received that were wrong, by what was wrong.', [
  'vrrp_instance',
  'error',
]);
export const GROUP_STATE = gauge(
  'vrrp_sync_group_state',
  'State of the sync group: 1 for the present one; stop: keepalived has ended.',
  ['sync_group', 'state'],
);
export const GROUP_TRANSITIONS = counter(
  'vrrp_sync_group_transitions_total',
  'Times the sync group entered a state, since the agent watches it.',
  ['sync_group', 'to'],
);
export const GROUP_MEMBERS = gauge('vrrp_sync_group_members', 'Instances of the sync group.', BY_GROUP);
export const SCRIPT = gauge('vrrp_script_success', 'Whether the track script counts as good.', ['script']);

/** Label `error` by keepalived's name. */
export const ERROR_NAMES: Readonly<Partial<Record<keyof Statistics, string>>> = {
  packet_len_err: 'length',
  advert_interval_err: 'advert_interval',
  ip_ttl_err: 'ttl',
  invalid_type_rcvd: 'type',
  addr_list_err: 'address_list',
  invalid_authtype: 'auth_type_invalid',
  authtype_mismatch: 'auth_type_mismatch',
  auth_failure: 'auth_failure',
};

/** Everything the collector may export. */
export const KEEPALIVED_METRICS: readonly Metric[] = [
  PROCESSES,
  PROCESS_UP,
  PID_FILE,
  STARTED,
  RESTARTS,
  LOADED,
  RELOADS,
  DUMP_SUCCESS,
  DUMP_AGE,
  DUMP_DURATION,
  DUMP_RETRIES,
  FIFO_CONNECTED,
  FIFO_LINES,
  FIFO_MISSED,
  INFO,
  STATE,
  TRANSITIONS,
  LAST_TRANSITION,
  PRIORITY,
  ADDRESSES,
  ADVERT_INTERVAL,
  FAULTS,
  ADVERTS,
  PRIORITY_ZERO,
  MASTER_CHANGES,
  ERRORS,
  GROUP_STATE,
  GROUP_TRANSITIONS,
  GROUP_MEMBERS,
  SCRIPT,
];
