/** What can go wrong with a DPDK telemetry socket: place, finding and remedy. */
import { SocketError } from '../../sys/unix-socket.ts';

/**
 * `gone`: nobody listens (any more); `denied`: no permission; `full`: no free client slot; `silent`: no answer in time; `broken`:
 * the connection ended; `invalid`: an answer that is none.
 */
export type TelemetryProblem = 'gone' | 'denied' | 'full' | 'silent' | 'broken' | 'invalid';

export class TelemetryError extends Error {
  readonly problem: TelemetryProblem;
  constructor(problem: TelemetryProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TelemetryError';
    this.problem = problem;
  }
}

type Explanation = readonly [TelemetryProblem, string];

const CONNECTING: Readonly<Record<string, Explanation>> = {
  ENOENT: ['gone', 'there is no such socket'],
  ENOTDIR: ['gone', 'there is no such socket'],
  ECONNREFUSED: ['gone', 'nobody listens: the application was killed or crashed; start it, or remove the file'],
  EACCES: [
    'denied',
    'permission denied; run fourlane as root, or start the application with RUNTIME_DIRECTORY in a directory of a common ' +
      'group and umask 007',
  ],
  EPROTOTYPE: ['invalid', 'is a socket of another kind; DPDK makes SOCK_SEQPACKET'],
  EAGAIN: ['silent', 'accepts nobody: its telemetry thread hangs'],
  ENAMETOOLONG: ['invalid', 'its path is too long for a socket; start the application with a shorter --file-prefix'],
};

const GREETING: Readonly<Record<string, Explanation>> = {
  EOF: ['full', 'closed the connection without a greeting: its 10 client slots are taken, or it is ending; close other clients'],
  ECONNRESET: [
    'full',
    'closed the connection without a greeting: its 10 client slots are taken, or it is ending; close other clients',
  ],
  ETIMEDOUT: ['silent', 'accepts connections and sends no greeting: its telemetry thread hangs'],
  EMSGSIZE: ['invalid', 'sends something longer than a greeting'],
};

const ASKING: Readonly<Record<string, Explanation>> = {
  EOF: ['broken', 'closed the connection: it is ending or has ended'],
  EPIPE: ['broken', 'closed the connection: it is ending or has ended'],
  ECONNRESET: ['broken', 'closed the connection: it is ending or has ended'],
  EBADF: ['broken', 'the connection was given up while another request waited for its answer'],
  ETIMEDOUT: ['silent', 'does not answer: its telemetry thread hangs, or its main core gets no CPU'],
  EMSGSIZE: ['invalid', 'sends more than it announced'],
};

const TABLES = { connecting: CONNECTING, greeting: GREETING, asking: ASKING };

/** The error of a socket call as a TelemetryError; an aborted signal's reason, and anything else, stays what it is. */
export function explain(path: string, when: keyof typeof TABLES, error: unknown, command = ''): unknown {
  if (!(error instanceof SocketError)) return error;
  const [problem, text] = TABLES[when][error.code] ?? ['broken', 'failed'];
  return new TelemetryError(problem, `${path}${command === '' ? '' : ` ${command}`}: ${text} (${error.message})`, {
    cause: error,
  });
}
