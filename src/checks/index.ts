/** The check kinds. A new kind is one file here and one line in this list. */
import { bfd } from './bfd.ts';
import { dns } from './dns.ts';
import { exec } from './exec.ts';
import { file } from './file.ts';
import { http } from './http.ts';
import type { CheckKind } from './kind.ts';
import { ping } from './ping.ts';
import { smtp } from './smtp.ts';
import { ssl } from './ssl.ts';
import { tcp } from './tcp.ts';
import { udp } from './udp.ts';

export const checkKinds: readonly CheckKind[] = [tcp, http, ssl, udp, ping, dns, smtp, exec, file, bfd];
